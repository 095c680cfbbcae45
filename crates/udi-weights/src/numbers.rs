//! Kinds of numbers: their sizes, and their values as fp32.

use half::{bf16, f16};
use safetensors::Dtype;

/// Bytes of a value; None: a kind that no checkpoint read here has.
pub(crate) fn size(dtype: Dtype) -> Option<u64> {
    match dtype {
        Dtype::F64 | Dtype::I64 | Dtype::U64 => Some(8),
        Dtype::F32 | Dtype::I32 | Dtype::U32 => Some(4),
        Dtype::F16 | Dtype::BF16 | Dtype::I16 | Dtype::U16 => Some(2),
        Dtype::U8 | Dtype::I8 | Dtype::BOOL => Some(1),
        _ => None,
    }
}

/// Little-endian bytes of values -> the nearest fp32 values.
pub(crate) fn to_floats(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        Dtype::F32 => each(bytes, f32::from_le_bytes),
        Dtype::F64 => each(bytes, |value| f64::from_le_bytes(value) as f32),
        Dtype::F16 => each(bytes, |value| f16::from_le_bytes(value).to_f32()),
        Dtype::BF16 => each(bytes, |value| bf16::from_le_bytes(value).to_f32()),
        Dtype::I64 => each(bytes, |value| i64::from_le_bytes(value) as f32),
        Dtype::U64 => each(bytes, |value| u64::from_le_bytes(value) as f32),
        Dtype::I32 => each(bytes, |value| i32::from_le_bytes(value) as f32),
        Dtype::U32 => each(bytes, |value| u32::from_le_bytes(value) as f32),
        Dtype::I16 => each(bytes, |value| f32::from(i16::from_le_bytes(value))),
        Dtype::U16 => each(bytes, |value| f32::from(u16::from_le_bytes(value))),
        Dtype::I8 => each(bytes, |value| f32::from(i8::from_le_bytes(value))),
        _ => bytes.iter().map(|&value| f32::from(value)).collect(),
    }
}

/// Values as little-endian fp32 bytes.
pub(crate) fn to_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn each<const SIZE: usize>(bytes: &[u8], convert: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<SIZE>();
    values.iter().map(|&value| convert(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_gives_its_value() {
        let cases: [(Dtype, &[u8], f32); 7] = [
            (Dtype::F32, &1.5f32.to_le_bytes(), 1.5),
            (Dtype::F64, &(-2.25f64).to_le_bytes(), -2.25),
            (Dtype::F16, &f16::from_f32(0.5).to_le_bytes(), 0.5),
            (Dtype::BF16, &bf16::from_f32(-3.0).to_le_bytes(), -3.0),
            (Dtype::I64, &(-7i64).to_le_bytes(), -7.0),
            (Dtype::I32, &9i32.to_le_bytes(), 9.0),
            (Dtype::BOOL, &[1], 1.0),
        ];
        for (dtype, bytes, value) in cases {
            assert_eq!(size(dtype), Some(bytes.len() as u64));
            assert_eq!(to_floats(dtype, bytes), [value], "{dtype:?}");
        }
    }
}
