//! The directions in which vectors differ most.

use tch::{Kind, Tensor, no_grad};

use crate::{
    error::{UdiError, expect},
    guard::guard,
};

/// Vectors of one width, and how many directions are wanted.
#[derive(Debug, Clone, Copy)]
pub struct ComponentsRequest<'a> {
    /// `[count, width]`, finite; at least one vector.
    pub vectors: &'a [f32],
    /// Values of a vector.
    pub width: i64,
    /// Directions wanted, from 1 to `width`.
    pub components: i64,
}

/// What vectors have in common and how they differ, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalComponents {
    /// `[width]`
    pub mean: Vec<f64>,
    /// `[components, width]`: unit vectors, that of the largest variance first; the largest of a vector's entries, by
    /// magnitude, is positive.
    pub directions: Vec<f64>,
    /// `[components]`: share of the variance along each; 0 where all vectors are alike.
    pub explained: Vec<f64>,
    /// `[components, count]`: how far each vector lies from the mean along each direction.
    pub scores: Vec<f32>,
}

/// In double precision, on the CPU.
pub fn principal_components(request: &ComponentsRequest) -> Result<PrincipalComponents, UdiError> {
    request.check()?;
    guard(|| no_grad(|| request.solved()))
}

impl ComponentsRequest<'_> {
    fn check(&self) -> Result<(), UdiError> {
        let Self {
            vectors,
            width,
            components,
        } = *self;
        expect(width > 0, "width", || "at least 1".to_owned(), width)?;
        let range = || format!("a whole number from 1 to the width {width}");
        let fits = (1..=width).contains(&components);
        expect(fits, "components", range, components)?;
        let length = vectors.len() as i64;
        let whole = || format!("at least one vector of {width} values, and no part of one");
        let is_whole = length > 0 && length % width == 0;
        expect(is_whole, "vectors", whole, format!("{length} values"))?;
        let wrong = vectors.iter().position(|value| !value.is_finite());
        let finite = || "finite values".to_owned();
        let received = |at: usize| format!("{} at place {at}", vectors[at]);
        let received = wrong.map(received).unwrap_or_default();
        expect(wrong.is_none(), "vectors", finite, received)
    }

    fn solved(&self) -> Result<PrincipalComponents, UdiError> {
        let count = self.vectors.len() as i64 / self.width;
        let rows = Tensor::from_slice(self.vectors)
            .view([count, self.width])
            .to_kind(Kind::Double);
        // Of equal values the sum is exact, and so is this quotient: vectors that are alike leave nothing.
        let mean = rows.sum_dim_intlist([0].as_slice(), false, Kind::Double) / count as f64;
        let centred = rows - &mean;
        // Not divided by the count, which changes neither directions nor shares.
        let scatter = centred.tr().mm(&centred);
        let (variances, directions) = largest(&scatter, self.components);
        let total = scatter.trace().double_value(&[]);
        let shares = match total > 0.0 {
            true => variances.clamp_min(0.0) / total,
            false => variances.zeros_like(),
        };
        Ok(PrincipalComponents {
            mean: Vec::try_from(&mean)?,
            scores: Vec::try_from(
                directions
                    .mm(&centred.tr())
                    .to_kind(Kind::Float)
                    .flatten(0, 1),
            )?,
            directions: Vec::try_from(directions.flatten(0, 1))?,
            explained: Vec::try_from(shares)?,
        })
    }
}

/// The largest eigenvalues `[components]` of a symmetric matrix, largest first, and their vectors `[components, width]`.
fn largest(matrix: &Tensor, components: i64) -> (Tensor, Tensor) {
    let (values, vectors) = matrix.linalg_eigh("L");
    let from = values.size()[0] - components;
    let values = values.narrow(0, from, components).flip([0]);
    let vectors = vectors.tr().narrow(0, from, components).flip([0]);
    (values, upright(&vectors))
}

/// A direction is known up to its sign: this choice of it is the same on each machine.
fn upright(directions: &Tensor) -> Tensor {
    let place = directions.abs().argmax(1, true);
    directions * directions.gather(1, &place, false).sign()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn solved(vectors: &[f32], width: i64, components: i64) -> PrincipalComponents {
        let request = ComponentsRequest {
            vectors,
            width,
            components,
        };
        principal_components(&request).unwrap()
    }

    /// Sums of products about the mean, `[width][width]`, one by one.
    fn plain_scatter(vectors: &[f32], width: usize) -> Vec<Vec<f64>> {
        let count = (vectors.len() / width) as f64;
        let rows = || vectors.chunks(width);
        let mean = |at: usize| rows().map(|row| f64::from(row[at])).sum::<f64>() / count;
        let means: Vec<f64> = (0..width).map(mean).collect();
        let centred = |row: &[f32], at: usize| f64::from(row[at]) - means[at];
        let product = |a, b| rows().map(|row| centred(row, a) * centred(row, b)).sum();
        let row = |a| (0..width).map(|b| product(a, b)).collect();
        (0..width).map(row).collect()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    proptest! {
        #[test]
        fn directions_are_eigenvectors_of_the_scatter_orthonormal_sorted_and_upright(
            (width, vectors) in (1..7usize).prop_flat_map(|width| {
                let vectors = prop::collection::vec(prop::collection::vec(-9.0f32..9.0, width), 1..20);
                (Just(width), vectors.prop_map(|vectors| vectors.concat()))
            }),
        ) {
            let scatter = plain_scatter(&vectors, width);
            let total: f64 = (0..width).map(|at| scatter[at][at]).sum();
            let found = solved(&vectors, width as i64, width as i64);
            let directions: Vec<&[f64]> = found.directions.chunks(width).collect();
            let tolerance = 1e-9 * (1.0 + total);
            for (a, direction) in directions.iter().enumerate() {
                for (row, at) in scatter.iter().zip(0..) {
                    let error = dot(row, direction) - found.explained[a] * total * direction[at];
                    prop_assert!(error.abs() < tolerance, "{error}");
                }
                for (b, other) in directions.iter().enumerate() {
                    let expected = if a == b { 1.0 } else { 0.0 };
                    prop_assert!((dot(direction, other) - expected).abs() < 1e-9);
                }
                let largest = direction.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
                let is_upright = |largest: f64| largest > 0.0 || direction.contains(&-largest);
                prop_assert!(largest.is_some_and(is_upright), "{direction:?}");
            }
            prop_assert!(found.explained.is_sorted_by(|a, b| a >= b));
            let sum: f64 = found.explained.iter().sum();
            prop_assert!((sum - if total > 0.0 { 1.0 } else { 0.0 }).abs() < 1e-9, "{sum}");
        }

        #[test]
        fn scores_with_all_directions_make_the_vectors_again(
            vectors in prop::collection::vec(prop::array::uniform4(-9.0f32..9.0), 1..20),
        ) {
            let found = solved(vectors.as_flattened(), 4, 4);
            for (row, vector) in vectors.iter().enumerate() {
                for (at, &value) in vector.iter().enumerate() {
                    let along = |of: usize| {
                        f64::from(found.scores[of * vectors.len() + row]) * found.directions[of * 4 + at]
                    };
                    let again = found.mean[at] + (0..4).map(along).sum::<f64>();
                    prop_assert!((again - f64::from(value)).abs() < 1e-4, "{again} {value}");
                }
            }
        }

        #[test]
        fn vectors_that_are_alike_have_no_direction_that_explains_them(
            vector in prop::collection::vec(-9.0f32..9.0, 1..9),
            count in 1..50usize,
        ) {
            let width = vector.len() as i64;
            let found = solved(&vector.repeat(count), width, 1);
            prop_assert_eq!(found.explained, [0.0]);
            prop_assert!(found.scores.iter().all(|&score| score == 0.0));
        }
    }

    #[test]
    fn what_are_no_vectors_is_refused_by_name() {
        let refused = |vectors: &[f32], width, components| {
            let request = ComponentsRequest {
                vectors,
                width,
                components,
            };
            principal_components(&request).unwrap_err().to_string()
        };
        let whole =
            "vectors: expected at least one vector of 2 values, and no part of one, received";
        assert_eq!(refused(&[], 2, 1), format!("{whole} 0 values"));
        assert_eq!(refused(&[1.0; 5], 2, 1), format!("{whole} 5 values"));
        assert_eq!(
            refused(&[1.0, f32::NAN], 2, 1),
            "vectors: expected finite values, received NaN at place 1"
        );
        assert_eq!(
            refused(&[1.0; 4], 2, 3),
            "components: expected a whole number from 1 to the width 2, received 3"
        );
        assert_eq!(
            refused(&[1.0], 0, 1),
            "width: expected at least 1, received 0"
        );
    }
}
