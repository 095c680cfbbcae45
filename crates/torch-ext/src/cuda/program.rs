//! Programs of kernels: compiled once for a device and what they are for, launched behind the device's other work.

use std::{
    collections::HashMap,
    ffi::{CString, c_char, c_int, c_void},
    ptr,
    sync::{Mutex, PoisonError},
};

use tch::{Device, Kind, Tensor};

use crate::{rows::RowsError, shim::outcome};

unsafe extern "C" {
    fn udi_cuda_properties(
        device: c_int,
        multiprocessors: *mut c_int,
        capability: *mut c_int,
        shared: *mut c_int,
    ) -> *mut c_char;
    fn udi_cuda_module(
        device: c_int,
        text: *const c_char,
        options: *const *const c_char,
        count: c_int,
        module: *mut *mut c_void,
    ) -> *mut c_char;
    fn udi_cuda_kernel(
        device: c_int,
        module: *mut c_void,
        name: *const c_char,
        kernel: *mut *mut c_void,
    ) -> *mut c_char;
    fn udi_cuda_launch(
        device: c_int,
        kernel: *mut c_void,
        grid: *const u32,
        arguments: *mut *mut c_void,
    ) -> *mut c_char;
}

/// Which kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Adamw,
    Attention,
    AttentionBackward,
    Columns,
    Embedding,
    LayerNorm,
    Prototypes,
    Sampling,
    Softmax,
}

/// Kernels, and what they are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Program {
    source: Source,
    element: &'static str,
    pack: i64,
    width: i64,
}

/// Blocks across and down, threads of a block across and down, and bytes of shared memory that a block has beside what its
/// program says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub blocks: [i64; 2],
    pub threads: [u32; 2],
    pub shared: u32,
}

/// Threads of a block that goes over values, whatever their row, and such blocks of a multiprocessor.
const FLAT_THREADS: i64 = 256;
const FLAT_BLOCKS: i64 = 16;

impl Grid {
    /// Threads that go over so many packs of values, each on to another.
    pub fn over(packs: i64, device: Device) -> Result<Self, RowsError> {
        let most = FLAT_BLOCKS * multiprocessors(device)?;
        Ok(Self {
            blocks: [parts(packs, FLAT_THREADS).min(most), 1],
            threads: [FLAT_THREADS as u32, 1],
            shared: 0,
        })
    }
}

/// How many parts of this size it takes to hold all.
pub(super) fn parts(all: i64, size: i64) -> i64 {
    (all + size - 1) / size
}

/// What a kernel is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Argument<'a> {
    /// The address of the first value of a tensor; None: null.
    Values(Option<&'a Tensor>),
    /// Of either length: what a shorter one reads comes first in memory.
    Integer(i64),
    Float(f32),
}

impl<'a> From<&'a Tensor> for Argument<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Values(Some(tensor))
    }
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Adamw => "adamw",
            Self::Attention => "attention",
            Self::AttentionBackward => "attention_backward",
            Self::Columns => "columns",
            Self::Embedding => "embedding",
            Self::LayerNorm => "layer_norm",
            Self::Prototypes => "prototypes",
            Self::Sampling => "sampling",
            Self::Softmax => "softmax",
        }
    }

    /// Without what all sources share.
    fn text(self) -> &'static str {
        macro_rules! rows {
            ($file:literal) => {
                concat!(
                    include_str!("../../cuda/rows.cuh"),
                    "\n",
                    include_str!($file)
                )
            };
        }
        macro_rules! attention {
            ($file:literal) => {
                concat!(
                    include_str!("../../cuda/tensor_cores.cuh"),
                    include_str!("../../cuda/attention.cuh"),
                    include_str!($file)
                )
            };
        }
        match self {
            Self::Adamw => include_str!("../../cuda/adamw.cu"),
            Self::Attention => attention!("../../cuda/attention.cu"),
            Self::AttentionBackward => attention!("../../cuda/attention_backward.cu"),
            Self::Columns => include_str!("../../cuda/columns.cu"),
            Self::Embedding => include_str!("../../cuda/embedding.cu"),
            Self::LayerNorm => rows!("../../cuda/layer_norm.cu"),
            Self::Prototypes => rows!("../../cuda/prototypes.cu"),
            Self::Sampling => include_str!("../../cuda/sampling.cu"),
            Self::Softmax => include_str!("../../cuda/softmax.cu"),
        }
    }
}

impl Program {
    /// For values of this kind, `pack` of them at once.
    pub fn new(source: Source, kind: Kind, pack: i64) -> Result<Self, RowsError> {
        let element = match kind {
            Kind::Float => "float",
            Kind::BFloat16 => "bf16",
            Kind::Half => "fp16",
            other => return Err(RowsError::Layout(format!("values of {other:?}"))),
        };
        Ok(Self {
            source,
            element,
            pack,
            width: 0,
        })
    }

    /// For rows of this width alone.
    pub fn of_width(self, width: i64) -> Self {
        Self { width, ..self }
    }

    /// As the emulator knows it.
    fn name(self) -> String {
        let source = self.source.name();
        format!("{source} {} {} {}", self.element, self.pack, self.width)
    }

    /// Runs a kernel after what the device was given before. On the CPU, in tests, at once.
    pub fn launch(
        self,
        kernel: &'static str,
        device: Device,
        grid: Grid,
        arguments: &[Argument],
    ) -> Result<(), RowsError> {
        let [across, down] = grid.blocks.map(u32::try_from);
        let (Ok(across), Ok(down)) = (across, down) else {
            return Err(RowsError::Kernel(format!("{:?} blocks", grid.blocks)));
        };
        let [threads, threads_down] = grid.threads;
        let grid = [across, down, threads, threads_down, grid.shared];
        let mut slots: Vec<u64> = arguments.iter().map(slot).collect();
        let mut arguments: Vec<*mut c_void> = slots
            .iter_mut()
            .map(|slot| ptr::from_mut(slot).cast())
            .collect();
        let message = match device {
            Device::Cuda(index) => {
                let handle = kernel_of(self, kernel, index)?;
                // SAFETY: the kernel is one of this device, and reads of its arguments what their addresses hold, which live until
                // the call returns. That the tensors behind them are as large as it takes them to be is for the callers in this
                // folder to see; libtorch keeps their memory until the work given before it is given back is done.
                unsafe {
                    udi_cuda_launch(
                        index as c_int,
                        handle as *mut c_void,
                        grid.as_ptr(),
                        arguments.as_mut_ptr(),
                    )
                }
            }
            _ => self.emulate(kernel, &grid, &mut arguments)?,
        };
        Ok(outcome(message)?)
    }

    #[cfg(all(test, target_os = "linux"))]
    fn emulate(
        self,
        kernel: &'static str,
        grid: &[u32; 5],
        arguments: &mut [*mut c_void],
    ) -> Result<*mut c_char, RowsError> {
        unsafe extern "C" {
            fn udi_emulate(
                program: *const c_char,
                kernel: *const c_char,
                grid: *const u32,
                arguments: *mut *mut c_void,
            ) -> *mut c_char;
        }
        let (program, kernel) = (text(self.name())?, text(kernel)?);
        /// The emulated device has its threads and their memory in globals.
        static DEVICE: Mutex<()> = Mutex::new(());
        let _one_at_a_time = DEVICE.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: as in `launch`, with memory of the CPU, and one at a time.
        Ok(unsafe {
            udi_emulate(
                program.as_ptr(),
                kernel.as_ptr(),
                grid.as_ptr(),
                arguments.as_mut_ptr(),
            )
        })
    }

    #[cfg(not(all(test, target_os = "linux")))]
    fn emulate(
        self,
        kernel: &'static str,
        _grid: &[u32; 5],
        _arguments: &mut [*mut c_void],
    ) -> Result<*mut c_char, RowsError> {
        let words = format!("{kernel}: no device that runs it");
        Err(RowsError::Kernel(words))
    }

    fn compile(self, device: usize) -> Result<usize, RowsError> {
        let capability = properties(device)?.capability;
        let source = concat!(include_str!("../../cuda/element.cuh"), "\n");
        let source = text(format!("{source}{}", self.source.text()))?;
        let options = [
            format!("--gpu-architecture=sm_{capability}"),
            "-std=c++17".to_owned(),
            format!("-DELEMENT={}", self.element),
            format!("-DPACK={}", self.pack),
            format!("-DWIDTH={}", self.width),
        ];
        let options = options
            .into_iter()
            .map(text)
            .collect::<Result<Vec<_>, _>>()?;
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut module = ptr::null_mut();
        // SAFETY: all strings end in 0 and live until the call returns, which writes the module.
        let message = unsafe {
            udi_cuda_module(
                device as c_int,
                source.as_ptr(),
                options.as_ptr(),
                options.len() as c_int,
                &raw mut module,
            )
        };
        let words = |error| RowsError::Kernel(format!("{}: {error}", self.name()));
        outcome(message).map_err(words)?;
        Ok(module as usize)
    }
}

/// What is known of a device.
#[derive(Debug, Clone, Copy)]
struct Properties {
    multiprocessors: i64,
    capability: c_int,
    /// Bytes of shared memory that a block may have.
    shared: usize,
}

/// What was compiled, by device: handles of the driver, which stay for as long as the process.
#[derive(Default)]
struct Compiled {
    properties: HashMap<usize, Result<Properties, String>>,
    modules: HashMap<(usize, Program), Result<usize, String>>,
    kernels: HashMap<(usize, Program, &'static str), usize>,
}

static COMPILED: Mutex<Option<Compiled>> = Mutex::new(None);

fn compiled<T>(read: impl FnOnce(&mut Compiled) -> T) -> T {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    read(compiled.get_or_insert_default())
}

/// Multiprocessors of a device; an emulated one has two.
pub(super) fn multiprocessors(device: Device) -> Result<i64, RowsError> {
    match device {
        Device::Cuda(index) => Ok(properties(index)?.multiprocessors),
        _ => Ok(2),
    }
}

/// Whether kernels can be compiled for this device, or why not.
pub(super) fn usable(device: usize) -> Result<(), String> {
    let words = |error: RowsError| error.to_string();
    let least = Program::new(Source::Columns, Kind::Float, 1).map_err(words)?;
    kernel_of(least, "column_sums", device).map_err(words)?;
    Ok(())
}

/// The same of kernels that ask for a compute capability (90 for 9.0) and bytes of shared memory of a block.
pub(super) fn usable_for(device: usize, capability: c_int, shared: usize) -> bool {
    let enough =
        |properties: Properties| properties.capability >= capability && properties.shared >= shared;
    properties(device).is_ok_and(enough) && usable(device).is_ok()
}

fn properties(device: usize) -> Result<Properties, RowsError> {
    let known = compiled(|compiled| compiled.properties.get(&device).cloned());
    let properties = known.unwrap_or_else(|| {
        let (mut multiprocessors, mut capability, mut shared) = (0, 0, 0);
        // SAFETY: the numbers are written before the call returns.
        let message = unsafe {
            udi_cuda_properties(
                device as c_int,
                &raw mut multiprocessors,
                &raw mut capability,
                &raw mut shared,
            )
        };
        let read = outcome(message).map(|()| Properties {
            multiprocessors: i64::from(multiprocessors),
            capability,
            shared: shared as usize,
        });
        let read = read.map_err(|error| error.to_string());
        compiled(|compiled| compiled.properties.insert(device, read.clone()));
        read
    });
    properties.map_err(RowsError::Kernel)
}

fn kernel_of(program: Program, name: &'static str, device: usize) -> Result<usize, RowsError> {
    let key = (device, program, name);
    if let Some(kernel) = compiled(|compiled| compiled.kernels.get(&key).copied()) {
        return Ok(kernel);
    }
    let place = (device, program);
    let known = compiled(|compiled| compiled.modules.get(&place).cloned());
    let module = known.unwrap_or_else(|| {
        let module = program.compile(device).map_err(|error| error.to_string());
        compiled(|compiled| compiled.modules.insert(place, module.clone()));
        module
    });
    let module = module.map_err(RowsError::Kernel)?;
    let (text, mut kernel) = (text(name)?, ptr::null_mut());
    // SAFETY: the module is one of this device; the name ends in 0; the kernel is written before the call returns.
    let message = unsafe {
        udi_cuda_kernel(
            device as c_int,
            module as *mut c_void,
            text.as_ptr(),
            &raw mut kernel,
        )
    };
    outcome(message)?;
    compiled(|compiled| compiled.kernels.insert(key, kernel as usize));
    Ok(kernel as usize)
}

fn slot(argument: &Argument) -> u64 {
    match *argument {
        Argument::Values(tensor) => tensor.map_or(0, |tensor| tensor.data_ptr() as u64),
        Argument::Integer(value) => value as u64,
        Argument::Float(value) => u64::from(value.to_bits()),
    }
}

fn text(words: impl Into<Vec<u8>>) -> Result<CString, RowsError> {
    CString::new(words).map_err(|error| RowsError::Kernel(error.to_string()))
}
