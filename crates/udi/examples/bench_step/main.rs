//! `udi-native bench step` for a machine without Node: reads a plan that bench/write-plan.mjs wrote, makes its steps on
//! views of noise, and prints one JSON object with the same fields.
//!
//! bench_step PLAN.json [--device cpu] [--precision fp32] [--threads 0] [--warm-up 1] [--steps 5] [--profile] [--trace FILE]

mod plan;

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    error::Error,
    fs,
    path::Path,
    time::Instant,
};

use serde_json::json;
use tch::{Cuda, Device};
use udi::{BegunStep, Learner, LearnerConfig, StepReport, UdiError};

use plan::Plan;

/// What the command line says.
struct Arguments {
    plan: String,
    named: BTreeMap<String, String>,
    profile: bool,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut words = env::args().skip(1);
        let plan = words.next().ok_or("expected the file of a plan")?;
        let (mut named, mut profile) = (BTreeMap::new(), false);
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| format!("unexpected {word}"))?;
            if name == "profile" {
                profile = true;
            } else {
                let value = words
                    .next()
                    .ok_or_else(|| format!("expected a value of {word}"))?;
                named.insert(name.to_owned(), value);
            }
        }
        Ok(Self {
            plan,
            named,
            profile,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    fn count(&self, name: &str, default: usize) -> Result<usize, Box<dyn Error>> {
        let given = self.named.get(name);
        Ok(given.map_or(Ok(default), |value| value.parse())?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let plan: Plan = serde_json::from_slice(&fs::read(&arguments.plan)?)?;
    if let threads @ 1.. = i32::try_from(arguments.count("threads", 0)?)? {
        tch::set_num_threads(threads);
    }
    let device = device(arguments.text("device").unwrap_or("cpu"))?;
    let config = plan.config(device, arguments.text("precision"))?;
    let mut learner = Learner::new(&config)?;
    learner.set_profiling(arguments.profile);
    let warm_up = arguments.count("warm-up", 1)?;
    let count = warm_up + arguments.count("steps", 5)?;
    let ahead = usize::from(device != Device::Cpu && !arguments.profile);
    let mut steps = timed_steps(&mut learner, &plan, (device, count, ahead))?;
    let steps = steps.split_off(warm_up);
    let device_bytes = learner.peak_device_bytes()?;
    let peak = learner.matrix_peak()? / 1e12;
    if let Some(file) = arguments.text("trace") {
        let trace = learner.begin_trace()?;
        timed_steps(&mut learner, &plan, (device, 2, ahead))?;
        learner.finish_trace(trace, Path::new(file))?;
    }
    println!("{}", result(&plan, &config, &steps, device_bytes, peak)?);
    Ok(())
}

/// Steps as `stepUdi` makes them, so many begun behind the one that is waited for: seconds and report of each.
fn timed_steps(
    learner: &mut Learner,
    plan: &Plan,
    (device, count, ahead): (Device, usize, usize),
) -> Result<Vec<(f64, StepReport)>, Box<dyn Error>> {
    let batches: Vec<_> = (0..count)
        .map(|_| plan.batch(device))
        .collect::<Result<_, _>>()?;
    let (mut steps, mut underway) = (Vec::with_capacity(count), VecDeque::new());
    let mut start = Instant::now();
    let mut finish = |learner: &mut Learner, step: BegunStep| {
        let report = learner.finish(step)?;
        let seconds = start.elapsed().as_secs_f64();
        start = Instant::now();
        eprintln!("step {}: {seconds:.3} s", report.step);
        steps.push((seconds, report));
        Ok::<_, UdiError>(())
    };
    for batch in batches {
        underway.push_back(learner.begin(batch, plan.schedule())?);
        if underway.len() > ahead {
            underway
                .pop_front()
                .map_or(Ok(()), |step| finish(learner, step))?;
        }
    }
    underway
        .into_iter()
        .try_for_each(|step| finish(learner, step))?;
    Ok(steps)
}

fn device(name: &str) -> Result<Device, Box<dyn Error>> {
    match name.strip_prefix("cuda") {
        None if name == "cpu" => Ok(Device::Cpu),
        Some(rest) if Cuda::is_available() => {
            let index = rest.strip_prefix(':').map_or(Ok(0), str::parse)?;
            Ok(Device::Cuda(index))
        }
        Some(_) => Err("libtorch finds no CUDA device: is libtorch_cuda.so loaded?".into()),
        None => Err(format!("unknown device {name}").into()),
    }
}

fn result(
    plan: &Plan,
    config: &LearnerConfig,
    steps: &[(f64, StepReport)],
    device_bytes: Option<u64>,
    peak: f64,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let seconds: Vec<f64> = steps.iter().map(|(seconds, _)| *seconds).collect();
    let median_seconds = median(seconds.clone());
    let speed = plan.tera_operations / median_seconds;
    let names = steps.first().map(|(_, report)| report.phases.clone());
    let phases: BTreeMap<&str, f64> = names
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(place, (name, _))| {
            let values = steps.iter().map(|(_, report)| report.phases[place].1);
            (name, median(values.collect()))
        })
        .collect();
    Ok(json!({
        "precision": format!("{:?}", config.precision).to_lowercase(),
        "device": format!("{:?}", config.device).to_lowercase(),
        "batch": plan.images(),
        "accumulate": config.optimizer.accumulate,
        "checkpointBlocks": config.model.checkpoint_blocks,
        "medianSeconds": median_seconds,
        "seconds": seconds,
        "imagesPerSecond": plan.images() as f64 / median_seconds,
        "teraOperations": plan.tera_operations,
        "teraOperationsPerSecond": speed,
        "peakTeraOperationsPerSecond": peak,
        "shareOfPeak": speed / peak,
        "peakResidentBytes": resident_bytes()?,
        "peakDeviceBytes": device_bytes,
        "phases": phases,
        "losses": steps.iter().map(|(_, report)| report.loss).collect::<Vec<_>>(),
    }))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

/// Largest resident memory of this process.
fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.ok_or("no VmHWM")?.trim().trim_end_matches(" kB");
    Ok(kibibytes.parse::<u64>()? * 1024)
}
