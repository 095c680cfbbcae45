//! How large the weights are, and whether all of them are numbers.

use crate::{
    checkpoint::{Branch, Checkpoint},
    error::WeightsError,
    shape::Part,
};

/// Weights of a part of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// Which part.
    pub part: Part,
    /// Number of values.
    pub count: u64,
    /// L2 norm of the finite ones.
    pub norm: f64,
    /// Values that are not a number.
    pub nan: u64,
    /// Infinite values.
    pub infinite: u64,
}

impl Checkpoint {
    /// Measures each part that a network has. Reads all of its values, a parameter in memory at a time.
    pub fn measure(&self, branch: Branch) -> Result<Vec<Measure>, WeightsError> {
        let parts = [Part::Backbone, Part::Sampling, Part::Head];
        let measured = parts.map(|part| self.measure_part(branch, part));
        let measured = measured.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(measured.into_iter().filter(|part| part.count > 0).collect())
    }

    fn measure_part(&self, branch: Branch, part: Part) -> Result<Measure, WeightsError> {
        let (mut measure, mut squares) = (Measure::empty(part), 0.0);
        for name in self
            .network(branch)?
            .keys()
            .filter(|name| Part::of(name) == part)
        {
            for value in self.values(branch, name)? {
                measure.count += 1;
                measure.nan += u64::from(value.is_nan());
                measure.infinite += u64::from(value.is_infinite());
                if value.is_finite() {
                    squares += f64::from(value) * f64::from(value);
                }
            }
        }
        measure.norm = squares.sqrt();
        Ok(measure)
    }
}

impl Measure {
    fn empty(part: Part) -> Self {
        Self {
            part,
            count: 0,
            norm: 0.0,
            nan: 0,
            infinite: 0,
        }
    }
}
