//! Compiles the C++ part: operations of libtorch that tch does not bind, the loader of our own CUDA kernels, and these kernels
//! for the CPU, where tests run them.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=shim");
    println!("cargo:rerun-if-changed=cuda");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    // Set by .cargo/config.toml: the folder that torch-sys is built against too.
    let libtorch = PathBuf::from(env::var_os("LIBTORCH").unwrap_or_default());
    let build = || {
        let mut build = cc::Build::new();
        build.cpp(true).std("c++17").warnings(false);
        build
    };
    build()
        .include(libtorch.join("include"))
        .files(["shim/shim.cpp", "shim/attention.cpp", "shim/cuda.cpp"])
        .compile("udi_shim");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        build()
            .file("shim/emulated.cpp")
            .compile("udi_emulated_kernels");
    }
}
