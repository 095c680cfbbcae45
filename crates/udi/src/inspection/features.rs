//! How many directions features use.

use tch::{Kind, Tensor};

/// exp of the entropy of the singular values' shares (RankMe, Garrido et al. 2023, without its ε): rows `[n, C]` in double
/// precision on the CPU. 1 where all rows have one direction.
pub(super) fn effective_rank(rows: &Tensor) -> f64 {
    let singular = singular_values(rows);
    let sum = singular.sum(Kind::Double).clamp_min(f64::MIN_POSITIVE);
    let shares = singular / sum;
    shares
        .special_entr()
        .sum(Kind::Double)
        .double_value(&[])
        .exp()
}

/// Roots of the eigenvalues of the smaller Gram matrix. What rounding leaves of a zero is 1e-8 of the largest.
fn singular_values(rows: &Tensor) -> Tensor {
    let size = rows.size();
    let gram = match size[0] < size[1] {
        true => rows.mm(&rows.tr()),
        false => rows.tr().mm(rows),
    };
    gram.linalg_eigvalsh("L").clamp_min(0.0).sqrt()
}

/// Mean over the C dimensions of the standard deviation of the rows at norm 1, times √C.
pub(super) fn spread(rows: &Tensor) -> f64 {
    let norms = rows.norm_scalaropt_dim(2, [1].as_slice(), true);
    let units = rows / norms.clamp_min(f64::MIN_POSITIVE);
    let deviations = units.std_dim([0].as_slice(), false, false);
    let width = rows.size()[1] as f64;
    deviations.mean(Kind::Double).double_value(&[]) * width.sqrt()
}
