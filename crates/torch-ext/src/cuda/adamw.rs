//! AdamW of all parameters at once, and the followers of these.

use tch::{Device, Kind, Tensor};

use super::{
    operand::Rows,
    program::{Argument, Grid, Program, Source, parts},
};
use crate::{device_memory::send_to_cuda, rows::RowsError};

/// Values of a block: BLOCK_VALUES in the kernel's text.
const BLOCK: i64 = 8192;
const THREADS: u32 = 256;

/// A parameter, what follows it, and how it is updated; None: it keeps its value.
#[derive(Debug, Clone, Copy)]
pub struct DeviceUpdate<'a> {
    /// What is updated.
    pub parameter: &'a Tensor,
    /// What follows it.
    pub follower: &'a Tensor,
    /// How.
    pub learning: Option<DeviceLearning<'a>>,
}

/// How a parameter is updated.
#[derive(Debug, Clone, Copy)]
pub struct DeviceLearning<'a> {
    /// Gradient.
    pub gradient: &'a Tensor,
    /// What it is multiplied by, a scalar on the device.
    pub factor: &'a Tensor,
    /// First moment.
    pub first: &'a Tensor,
    /// Second moment.
    pub second: &'a Tensor,
    /// The parameter is multiplied by it: 1 - learning rate times weight decay.
    pub kept: f32,
    /// Learning rate divided by the correction of the first moment.
    pub step: f32,
    /// Reciprocal of the root of the correction of the second moment.
    pub root_factor: f32,
}

/// What all updates of a call share.
#[derive(Debug, Clone, Copy)]
pub struct DeviceRule<'a> {
    /// Shares of the old moments kept.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// How far followers move towards their parameter, from 0 to 1.
    pub share: f32,
    /// A boolean scalar on the device: where it is true nothing changes.
    pub halted: &'a Tensor,
    /// Likewise: where it is true parameters and moments keep their values.
    pub idle: &'a Tensor,
}

/// Updates contiguous fp32 tensors of a CUDA device in their own memory, each read and written once.
pub fn adamw_on_device(updates: &[DeviceUpdate], rule: &DeviceRule) -> Result<(), RowsError> {
    let device = rule.halted.device();
    let scalar = Rows {
        rows: 1,
        width: 1,
        device,
    };
    scalar.expect(rule.halted, Kind::Bool, 1)?;
    scalar.expect(rule.idle, Kind::Bool, 1)?;
    let (mut words, mut blocks) = (Vec::with_capacity(WORDS * updates.len()), 0);
    for update in updates {
        let count = update.parameter.numel() as i64;
        words.extend(entry(update, (blocks, count), scalar)?);
        blocks += parts(count, BLOCK);
    }
    if blocks == 0 {
        return Ok(());
    }
    let table = Tensor::from_slice(&words);
    let table = match device {
        Device::Cuda(index) => send_to_cuda(&table, index)?,
        _ => table,
    };
    let arguments = [
        (&table).into(),
        Argument::Integer(updates.len() as i64),
        rule.halted.into(),
        rule.idle.into(),
        Argument::Float((1.0 - rule.betas.0) as f32),
        Argument::Float((1.0 - rule.betas.1) as f32),
        Argument::Float(rule.epsilon),
        Argument::Float(rule.share),
    ];
    let grid = Grid {
        blocks: [blocks, 1],
        threads: [THREADS, 1],
        shared: 0,
    };
    Program::new(Source::Adamw, Kind::Float, 4)?.launch("adamw", device, grid, &arguments)
}

/// 64-bit words of an entry.
const WORDS: usize = 10;

/// `struct Entry` of the kernel's text.
fn entry(
    update: &DeviceUpdate,
    (first_block, count): (i64, i64),
    scalar: Rows,
) -> Result<[i64; WORDS], RowsError> {
    let address = |tensor: &Tensor| {
        scalar.expect(tensor, Kind::Float, count)?;
        Ok::<_, RowsError>(tensor.data_ptr() as i64)
    };
    let (parameter, follower) = (address(update.parameter)?, address(update.follower)?);
    let Some(learning) = &update.learning else {
        return Ok([first_block, count, parameter, 0, 0, 0, follower, 0, 0, 0]);
    };
    scalar.expect(learning.factor, Kind::Float, 1)?;
    let pair = |low: f32, high: f32| {
        let bits = u64::from(low.to_bits()) | u64::from(high.to_bits()) << 32;
        bits as i64
    };
    Ok([
        first_block,
        count,
        parameter,
        address(learning.gradient)?,
        address(learning.first)?,
        address(learning.second)?,
        follower,
        learning.factor.data_ptr() as i64,
        pair(learning.kept, learning.step),
        pair(learning.root_factor, 0.0),
    ])
}
