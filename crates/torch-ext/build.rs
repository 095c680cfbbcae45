//! Compiles the C++ part: operations of libtorch that tch does not bind.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=shim/shim.cpp");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    // Set by .cargo/config.toml: the folder that torch-sys is built against too.
    let libtorch = PathBuf::from(env::var_os("LIBTORCH").unwrap_or_default());
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(libtorch.join("include"))
        .file("shim/shim.cpp")
        .compile("udi_shim");
}
