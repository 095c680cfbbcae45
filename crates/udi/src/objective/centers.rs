//! Centres of the teacher's logits: moving averages that keep it from collapsing to few prototypes.

use tch::{Device, Kind, Tensor};

use super::terms::Level;

#[derive(Debug)]
pub(crate) struct Centers {
    levels: Vec<Level>,
    /// `[levels, D]`, fp32.
    values: Tensor,
}

impl Centers {
    pub fn zeros(levels: Vec<Level>, prototypes: i64, device: Device) -> Self {
        let shape = [levels.len() as i64, prototypes];
        Self {
            values: Tensor::zeros(shape, (Kind::Float, device)),
            levels,
        }
    }

    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// `[levels, D]`
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// Centre of a level, `[D]`.
    pub fn of(&self, level: Level) -> Tensor {
        let place = self.levels.iter().position(|&other| other == level);
        self.values.get(place.unwrap_or(0) as i64)
    }

    /// Moves each centre towards its batch mean of logits, `matrix` `[D, K]` times the mean vector. A level without
    /// a sample in this batch keeps its centre (the reference divides by zero there).
    pub fn follow(&mut self, means: &[(Level, Option<Tensor>)], matrix: &Tensor, momentum: f64) {
        for (level, mean) in means {
            if let Some(mean) = mean {
                let logits = matrix.mv(&mean.to_kind(matrix.kind())).to_kind(Kind::Float);
                let _ = self.of(*level).lerp_(&logits, 1.0 - momentum);
            }
        }
    }
}
