//! Where the tests compute: `UDI_TEST_DEVICE` (`cuda`, `cuda:1`), or the CPU.

#![allow(dead_code)] // Not each test file that shares the small configuration asks for it.

use std::env;

use tch::{Cuda, Device};

/// Fails where a GPU is asked for that libtorch does not find.
pub fn device() -> Device {
    let name = env::var("UDI_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let Some(rest) = name.strip_prefix("cuda") else {
        assert_eq!(name, "cpu", "UDI_TEST_DEVICE");
        return Device::Cpu;
    };
    assert!(
        Cuda::is_available(),
        "UDI_TEST_DEVICE: libtorch finds no CUDA device"
    );
    Device::Cuda(
        rest.strip_prefix(':')
            .map_or(0, |index| index.parse().unwrap()),
    )
}
