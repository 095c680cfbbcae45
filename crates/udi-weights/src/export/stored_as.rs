//! Numbers of an exported file.

use half::f16;
use safetensors::Dtype;

/// How weights are stored; whoever loads them computes as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredAs {
    /// 32-bit floats, as they are trained.
    Fp32,
    /// 16-bit floats: half the size, three significant digits.
    Fp16,
}

impl StoredAs {
    /// The largest value there is.
    pub(crate) fn largest(self) -> f32 {
        match self {
            Self::Fp32 => f32::MAX,
            Self::Fp16 => f16::MAX.to_f32(),
        }
    }

    pub(crate) fn dtype(self) -> Dtype {
        match self {
            Self::Fp32 => Dtype::F32,
            Self::Fp16 => Dtype::F16,
        }
    }

    /// Bytes of a value.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Fp32 => 4,
            Self::Fp16 => 2,
        }
    }

    /// Little-endian.
    pub(crate) fn bytes(self, values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(values.len() * self.size());
        match self {
            Self::Fp32 => values
                .iter()
                .for_each(|value| bytes.extend(value.to_le_bytes())),
            Self::Fp16 => values
                .iter()
                .for_each(|&value| bytes.extend(f16::from_f32(value).to_le_bytes())),
        }
        bytes
    }
}
