//! Softmax and cross-entropy of the rows of a matrix of logits, fp32 or bf16. A row is computed with in fp32 within a core's
//! cache, whatever kind it is kept in.

use tch::{Device, Kind, Tensor};

use crate::{
    cuda,
    element::{Bf16, Element},
    empty_large, lent,
    parallel::parallel,
    row_parts::Shape,
    rows::RowsError,
    softmax::{cross_entropy, softmax},
    vector::{Kernel, vectorised},
};

/// softmax((logits - center) / temperature) of each row of a matrix `[rows, D]`, fp32: in the memory of fp32 logits, beside those
/// of bf16 and, on a CUDA device, fp16. `center` is `[D]`.
pub fn softmax_rows(
    logits: &Tensor,
    center: &Tensor,
    temperature: f32,
) -> Result<Tensor, RowsError> {
    if logits.device().is_cuda() {
        return cuda::softmax_rows(logits, center, temperature);
    }
    let shape = Shape::of(logits)?;
    lent::apart(logits, &[center])?;
    let center = lent::values::<f32>(center)?;
    if center.len() != shape.width || shape.width == 0 {
        return Err(RowsError::Layout(format!(
            "{} values of a centre",
            center.len()
        )));
    }
    let mut output = match logits.kind() {
        Bf16::KIND => empty_large(&logits.size(), Kind::Float, Device::Cpu),
        _ => logits.shallow_clone(),
    };
    if logits.kind() == Bf16::KIND {
        let inputs = shape.cut::<Bf16>(logits, shape.width)?;
        // SAFETY: it is new.
        let outputs = unsafe { shape.cut_mut::<f32>(&mut output, shape.width)? };
        parallel(inputs.zip(outputs).collect(), |(from, to)| {
            vectorised(Convert { from, to });
            each_softmax(to, center, temperature);
        });
    } else {
        // SAFETY: it is the one tensor written to, and apart from the centre.
        let rows = unsafe { shape.cut_mut::<f32>(&mut output, shape.width)? };
        parallel(rows.collect(), |rows| {
            each_softmax(rows, center, temperature)
        });
    }
    Ok(output)
}

/// Cross-entropies of the rows of `logits` `[streams · targets, D]`, fp32 or bf16, on a CUDA device fp16 too, against
/// distributions `[targets, D]`, fp32, which each stream meets in turn: `[rows]`, fp32. Where `views` are two, a distribution is
/// their mean. The logits become `scale` times the gradient with respect to logits / temperature, in their kind.
pub fn cross_entropy_rows(
    logits: &mut Tensor,
    views: &[&Tensor],
    temperature: f32,
    scale: f32,
) -> Result<Tensor, RowsError> {
    if logits.device().is_cuda() {
        return cuda::cross_entropy_rows(logits, views, temperature, scale);
    }
    let targets = match *views {
        [view] => view.shallow_clone(),
        [first, second] => (first + second) * 0.5,
        _ => return Err(RowsError::Layout(format!("{} views", views.len()))),
    };
    match logits.kind() {
        Bf16::KIND => cross_entropies::<Bf16>(logits, &targets, (temperature, scale)),
        _ => cross_entropies::<f32>(logits, &targets, (temperature, scale)),
    }
}

fn cross_entropies<T: Element>(
    logits: &mut Tensor,
    targets: &Tensor,
    (temperature, scale): (f32, f32),
) -> Result<Tensor, RowsError> {
    let shape = Shape::of(logits)?;
    let width = shape.width;
    let mut values = Tensor::empty([shape.rows as i64], (Kind::Float, Device::Cpu));
    lent::apart(logits, &[targets])?;
    let targets = lent::values::<f32>(targets)?;
    let count = targets.len() / width.max(1);
    if targets.len() != count * width || shape.rows > 0 && !(count > 0 && shape.rows % count == 0) {
        return Err(RowsError::Count {
            expected: shape.rows,
            received: count,
        });
    }
    // SAFETY: the one is apart from the targets, the other new.
    let parts = unsafe {
        let rows = shape.cut_mut::<T>(logits, width)?;
        rows.zip(shape.cut_mut::<f32>(&mut values, 1)?)
    };
    let starts = (0..).step_by(shape.rows_of_part());
    parallel(parts.zip(starts).collect(), |((rows, values), start)| {
        let mut row = vec![0.0; width];
        let each = rows.chunks_exact_mut(width).zip(values).zip(start..);
        for ((logits, value), index) in each {
            let target = &targets[index % count * width..][..width];
            vectorised(Convert {
                from: logits,
                to: &mut row,
            });
            *value = cross_entropy(&mut row, target, temperature, scale);
            vectorised(Convert {
                from: &row,
                to: logits,
            });
        }
    });
    Ok(values)
}

fn each_softmax(rows: &mut [f32], center: &[f32], temperature: f32) {
    for row in rows.chunks_exact_mut(center.len()) {
        softmax(row, center, temperature);
    }
}

struct Convert<'a, T, U> {
    from: &'a [T],
    to: &'a mut [U],
}

impl<T: Element, U: Element> Kernel for Convert<'_, T, U> {
    #[inline(always)]
    fn run(self) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to = U::of(from.read());
        }
    }
}
