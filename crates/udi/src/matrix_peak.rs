//! The speed of matrix products on this device: what a step can be measured against.

use std::time::{Duration, Instant};

use tch::{Cuda, Device, Kind, Tensor, no_grad};

use crate::layers::linear;

/// Side of the square matrices: large enough that neither overhead nor memory is what is measured.
const CPU_SIDE: i64 = 2048;
const CUDA_SIDE: i64 = 8192;
/// How long products are repeated; the fastest counts, since others may use the machine meanwhile.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Floating-point operations a second of a product of two large square matrices of this kind, by the way that the products
/// of a layer take.
pub(crate) fn matrix_peak(device: Device, kind: Kind) -> f64 {
    let side = match device {
        Device::Cuda(_) => CUDA_SIDE,
        _ => CPU_SIDE,
    };
    let matrix = || Tensor::randn([side, side], (Kind::Float, device)).to_kind(kind);
    let (left, right) = (matrix(), matrix());
    no_grad(|| {
        let mut best = product_seconds(&left, &right, device);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            best = best.min(product_seconds(&left, &right, device));
        }
        2.0 * (side as f64).powi(3) / best
    })
}

fn product_seconds(left: &Tensor, right: &Tensor, device: Device) -> f64 {
    let finish = || {
        if let Device::Cuda(index) = device {
            Cuda::synchronize(index as i64);
        }
    };
    finish();
    let start = Instant::now();
    let _ = linear(left, right, None);
    finish();
    start.elapsed().as_secs_f64()
}
