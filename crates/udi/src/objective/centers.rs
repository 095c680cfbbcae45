//! Centres of the teacher's logits: moving averages that keep it from collapsing to few prototypes.

use tch::{Device, Kind, Tensor};
use torch_ext::{dot, for_rows};

use super::terms::Level;
use crate::error::UdiError;

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
    pub fn follow(
        &mut self,
        means: &[(Level, Option<Tensor>)],
        matrix: &Tensor,
        momentum: f64,
    ) -> Result<(), UdiError> {
        let present = means
            .iter()
            .filter_map(|(level, mean)| Some((*level, mean.as_ref()?)));
        let (levels, vectors): (Vec<Level>, Vec<&Tensor>) = present.unzip();
        if vectors.is_empty() {
            return Ok(());
        }
        let logits = mean_logits(&Tensor::stack(&vectors, 0), matrix)?;
        for (level, logits) in levels.into_iter().zip(logits.unbind(1)) {
            let _ = self.of(level).lerp_(&logits, 1.0 - momentum);
        }
        Ok(())
    }
}

/// Vectors `[n, K]` against prototypes `[D, K]` -> `[D, n]`, fp32. On the CPU the prototypes are read once, whatever n.
fn mean_logits(vectors: &Tensor, matrix: &Tensor) -> Result<Tensor, UdiError> {
    let (count, width) = vectors.size2()?;
    if matrix.device() != Device::Cpu {
        let vectors = vectors.to_kind(matrix.kind());
        return Ok(matrix.mm(&vectors.tr()).to_kind(Kind::Float));
    }
    let mut logits = Tensor::zeros([matrix.size()[0], count], (Kind::Float, Device::Cpu));
    let flat = vectors.view([1, count * width]);
    for_rows(
        [&mut logits],
        [matrix, &flat],
        |_, [logits], [prototype, vectors]| {
            for (logit, vector) in logits.iter_mut().zip(vectors.chunks(prototype.len())) {
                *logit = dot(prototype, vector);
            }
        },
    )?;
    Ok(logits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_logits_are_those_of_a_matrix_product() {
        for (count, width, prototypes) in [(1, 3, 5), (3, 256, 1000)] {
            let random = |rows| Tensor::randn([rows, width], (Kind::Float, Device::Cpu));
            let (vectors, matrix) = (random(count), random(prototypes));
            let received = mean_logits(&vectors, &matrix).unwrap();
            let distance = (received - matrix.mm(&vectors.tr())).abs().max();
            assert!(distance.double_value(&[]) < 1e-4);
        }
    }
}
