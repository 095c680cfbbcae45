//! Matrix products of rows with the weights of a layer.
//!
//! libtorch multiplies fp32 matrices on the CPU with MKL, and keeps oneDNN for other kinds and for convolutions. Where
//! oneDNN is the faster of the two, a product with many rows goes to it, as a convolution over single pixels: rows of
//! values are pixels of channels in memory, so nothing is copied.

use tch::{Device, Kind, Tensor};
use torch_ext::mkl_leaves_avx512_unused;

/// Rows from which oneDNN pays: below, it spends more on bringing the weights into its own order than it saves.
const MANY_ROWS: i64 = 128;
/// The same where autograd goes back through the convolution, whose gradients cost more than those below.
const MANY_ROWS_OF_A_GRAPH: i64 = 1024;
/// Values of a weight from which it pays, likewise.
const MANY_VALUES: i64 = 1 << 14;

/// `[.., inputs]` times the transpose of `[outputs, inputs]`, plus a bias: `[.., outputs]`. Autograd goes through it.
pub(crate) fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let rows = match weight.requires_grad() {
        true => MANY_ROWS_OF_A_GRAPH,
        false => MANY_ROWS,
    };
    either_way(input, weight, bias, rows)
}

/// The same outside any graph.
pub(crate) fn linear_alone(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    either_way(input, weight, bias, MANY_ROWS)
}

fn either_way(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, rows: i64) -> Tensor {
    match goes_to_onednn(input, weight, rows) {
        true => as_convolution(input, weight, bias),
        false => input.linear(weight, bias),
    }
}

/// Gradient of the rows from that of [`linear`]: `[rows, outputs]` times `[outputs, inputs]`.
pub(crate) fn rows_gradient(gradient: &Tensor, weight: &Tensor) -> Tensor {
    match goes_to_onednn(gradient, weight, MANY_ROWS) {
        // Turned first: oneDNN takes longer to bring a turned matrix into its order.
        true => as_convolution(gradient, &weight.tr().contiguous(), None),
        false => gradient.mm(weight),
    }
}

/// Gradient of the weight from that of [`linear`], `[outputs, inputs]`, fp32.
pub(crate) fn weight_gradient(gradient: &Tensor, rows: &Tensor, weight: &Tensor) -> Tensor {
    let product = match goes_to_onednn(gradient, weight, MANY_ROWS) {
        true => {
            // This one operation takes tensors in oneDNN's keeping alone; it reads of the weight its shape.
            let kept = |tensor: &Tensor| tensor.g_to_mkldnn(None);
            let (of_weight, _) =
                kept(rows).mkldnn_linear_backward_weights(&kept(gradient), &kept(weight), false);
            of_weight.to_dense(None, false)
        }
        false => gradient.tr().mm(rows),
    };
    product.to_kind(Kind::Float)
}

fn goes_to_onednn(rows: &Tensor, weight: &Tensor, many_rows: i64) -> bool {
    if rows.device() != Device::Cpu || rows.kind() != Kind::Float || !mkl_leaves_avx512_unused() {
        return false;
    }
    let columns = rows.size().last().copied().unwrap_or(0);
    let values = weight.numel() as i64;
    values >= MANY_VALUES && rows.numel() as i64 >= many_rows * columns
}

fn as_convolution(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let mut size = input.size();
    let inputs = size.pop().unwrap_or(0);
    let outputs = weight.size()[0];
    let pixels = input.reshape([1, -1, 1, inputs]).permute([0, 3, 1, 2]);
    let weight = weight.unsqueeze(-1).unsqueeze(-1);
    let product = pixels.mkldnn_convolution(&weight, bias, [0, 0], [1, 1], [1, 1], 1);
    size.push(outputs);
    product.permute([0, 2, 3, 1]).reshape(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::no_grad;

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let b = b.to_kind(Kind::Double);
        let difference = (a.to_kind(Kind::Double) - &b).abs().max().double_value(&[]);
        difference / b.abs().max().double_value(&[])
    }

    #[test]
    fn products_and_their_gradients_are_those_of_double_precision_on_either_way() {
        for (rows, inputs, outputs) in [(1031, 130, 136), (200, 130, 136), (40, 30, 12), (1, 1, 1)]
        {
            let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
            let leaf = |tensor: Tensor| tensor.set_requires_grad(true);
            let (input, weight) = (
                leaf(random(&[rows, inputs])),
                leaf(random(&[outputs, inputs])),
            );
            let (bias, gradient) = (leaf(random(&[outputs])), random(&[rows, outputs]));
            let double = |tensor: &Tensor| tensor.detach().to_kind(Kind::Double);
            let expected = double(&input).linear(&double(&weight), Some(&double(&bias)));
            let output = linear(&input, &weight, Some(&bias));
            assert!(distance(&output, &expected) < 1e-5);
            let alone = no_grad(|| linear_alone(&input, &weight, Some(&bias)));
            assert!(distance(&alone, &expected) < 1e-5);

            let of_rows = double(&gradient).mm(&double(&weight));
            let of_weight = double(&gradient).tr().mm(&double(&input));
            let sum = (output * &gradient).sum(Kind::Float);
            let slopes = Tensor::run_backward(&[sum], &[&input, &weight, &bias], false, false);
            assert!(distance(&slopes[0], &of_rows) < 1e-5);
            assert!(distance(&slopes[1], &of_weight) < 1e-5);
            let column = double(&gradient).sum_dim_intlist([0].as_slice(), false, Kind::Double);
            assert!(distance(&slopes[2], &column) < 1e-5);
            no_grad(|| {
                assert!(distance(&rows_gradient(&gradient, &weight), &of_rows) < 1e-5);
                assert!(distance(&weight_gradient(&gradient, &input, &weight), &of_weight) < 1e-5);
            });
        }
    }
}
