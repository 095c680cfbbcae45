//! How images are spread over prototypes.

use tch::{Kind, Tensor};

use crate::{error::UdiError, objective::SoftmaxPass};

/// Bottleneck vectors and prototypes of a network, in the kind of its matrix products: their product are its logits.
pub(super) struct Logits {
    /// `[n, K]`
    pub vectors: Tensor,
    /// `[D, K]`
    pub matrix: Tensor,
}

/// What the distributions of n images over D prototypes have in common.
#[derive(Debug)]
pub(super) struct Distributions {
    /// In nats.
    pub entropy_of_mean: f64,
    /// In nats; at most `entropy_of_mean`.
    pub mean_entropy: f64,
    /// Prototypes that are the teacher's most probable one of some image.
    pub used: i64,
    /// Share of images for which the student has the same most probable prototype.
    pub agreement: f64,
    /// The same for independent choices of the same frequencies.
    pub chance_agreement: f64,
}

/// Logits that are held at once.
const CHUNK_VALUES: i64 = 1 << 22;

impl Distributions {
    /// The teacher's, made as targets are: with its centre `[D]` taken out, at its temperature.
    pub fn of(
        teacher: &Logits,
        student: &Logits,
        (center, temperature): (&Tensor, f64),
    ) -> Result<Self, UdiError> {
        let softmax = SoftmaxPass::on(center.device(), teacher.matrix.kind());
        let (rows, prototypes) = (teacher.rows(), teacher.prototypes());
        let mut sum = Tensor::zeros([prototypes], (Kind::Double, center.device()));
        let mut entropy = 0.0;
        let mut chosen = Vec::new();
        teacher.each_chunk(|logits| {
            let shares = softmax.distributions(&logits, center, temperature)?;
            let _ = sum.g_add_(&shares.sum_dim_intlist([0].as_slice(), false, Kind::Float));
            chosen.push(shares.argmax(1, false));
            entropy += shares.special_entr().sum(Kind::Double).double_value(&[]);
            Ok(())
        })?;
        let mut also_chosen = Vec::new();
        student.each_chunk(|logits| {
            also_chosen.push(logits.argmax(1, false));
            Ok(())
        })?;
        let mean = sum / rows as f64;
        let entropy_of_mean = mean.special_entr().sum(Kind::Double).double_value(&[]);
        let [chosen, also_chosen] = [chosen, also_chosen].map(|parts| Tensor::cat(&parts, 0));
        let [often, also_often] =
            [&chosen, &also_chosen].map(|chosen| frequencies(chosen, prototypes));
        let same = chosen.eq_tensor(&also_chosen);
        Ok(Self {
            entropy_of_mean,
            // Never above by more than rounding.
            mean_entropy: (entropy / rows as f64).min(entropy_of_mean),
            used: often.gt(0.0).sum(Kind::Int64).int64_value(&[]),
            agreement: same.mean(Kind::Double).double_value(&[]),
            chance_agreement: often.dot(&also_often).double_value(&[]),
        })
    }
}

impl Logits {
    fn rows(&self) -> i64 {
        self.vectors.size()[0]
    }

    fn prototypes(&self) -> i64 {
        self.matrix.size()[0]
    }

    /// Logits `[rows, D]` of a few rows at a time.
    fn each_chunk(
        &self,
        mut see: impl FnMut(Tensor) -> Result<(), UdiError>,
    ) -> Result<(), UdiError> {
        let rows = (CHUNK_VALUES / self.prototypes()).max(1);
        let chunks = self.vectors.split(rows, 0);
        chunks
            .iter()
            .try_for_each(|chunk| see(chunk.mm(&self.matrix.tr())))
    }
}

/// How often each prototype was chosen, as shares `[D]`, fp64.
fn frequencies(chosen: &Tensor, prototypes: i64) -> Tensor {
    let counts = chosen.bincount(None::<&Tensor>, prototypes);
    counts.to_kind(Kind::Double) / chosen.size()[0] as f64
}
