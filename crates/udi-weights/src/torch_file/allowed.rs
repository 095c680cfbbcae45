//! The fixed list of names that a pickle may use. Nothing is looked up anywhere else, and nothing is run.

use safetensors::Dtype;

use crate::error::Flaw;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    RebuildTensor,
    RebuildParameter,
    Storage(Dtype),
    Size,
    Device,
    /// A kind of numbers as a value, `torch.float32`.
    TorchDtype(&'static str),
    Namespace,
    NumpyScalar,
    NumpyDtype,
    /// How Python 3 writes bytes for Python 2.
    Encode,
    /// Builds an object of a class without a call, as the first pickle protocols do.
    Reconstruct,
    Object,
    OrderedDict,
    DefaultDict,
    Dict,
    List,
    Tuple,
    Set,
}

/// The name `module.name`, or an error that says which it is.
pub(crate) fn allowed(module: &str, name: &str) -> Result<Allowed, Flaw> {
    let found = match module {
        "torch" => torch(name),
        "torch._utils" => match name {
            "_rebuild_tensor_v2" | "_rebuild_tensor" => Some(Allowed::RebuildTensor),
            "_rebuild_parameter" => Some(Allowed::RebuildParameter),
            _ => None,
        },
        "torch.nn.parameter" if name == "Parameter" => Some(Allowed::RebuildParameter),
        "argparse" if name == "Namespace" => Some(Allowed::Namespace),
        "collections" => match name {
            "OrderedDict" => Some(Allowed::OrderedDict),
            "defaultdict" => Some(Allowed::DefaultDict),
            _ => None,
        },
        "numpy.core.multiarray" | "numpy._core.multiarray" if name == "scalar" => {
            Some(Allowed::NumpyScalar)
        }
        "numpy" if name == "dtype" => Some(Allowed::NumpyDtype),
        "_codecs" if name == "encode" => Some(Allowed::Encode),
        "copyreg" | "copy_reg" if name == "_reconstructor" => Some(Allowed::Reconstruct),
        "builtins" | "__builtin__" => match name {
            "dict" => Some(Allowed::Dict),
            "list" => Some(Allowed::List),
            "tuple" => Some(Allowed::Tuple),
            "set" => Some(Allowed::Set),
            "object" => Some(Allowed::Object),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| {
        let named: String = format!("{module}.{name}").chars().take(120).collect();
        let expected = "names of tensors, containers, argparse.Namespace and numpy scalars alone";
        Flaw::new("pickle", expected, format!("{named}, which is not run"))
    })
}

fn torch(name: &str) -> Option<Allowed> {
    let storage = |dtype| Some(Allowed::Storage(dtype));
    match name {
        "FloatStorage" => storage(Dtype::F32),
        "DoubleStorage" => storage(Dtype::F64),
        "HalfStorage" => storage(Dtype::F16),
        "BFloat16Storage" => storage(Dtype::BF16),
        "LongStorage" => storage(Dtype::I64),
        "IntStorage" => storage(Dtype::I32),
        "ShortStorage" => storage(Dtype::I16),
        "CharStorage" => storage(Dtype::I8),
        "ByteStorage" => storage(Dtype::U8),
        "BoolStorage" => storage(Dtype::BOOL),
        "Size" => Some(Allowed::Size),
        "device" => Some(Allowed::Device),
        _ => DTYPES
            .into_iter()
            .find(|&dtype| dtype == name)
            .map(Allowed::TorchDtype),
    }
}

const DTYPES: [&str; 10] = [
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
];
