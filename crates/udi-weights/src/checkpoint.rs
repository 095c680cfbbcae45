//! A file of weights of any known kind, opened: what is in it under our names.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use crate::{
    content::{Content, NativeState, content},
    error::{Flaw, WeightsError},
    names::Naming,
    optimizer_state::OptimizerKind,
    shape::{ModelShape, Named},
    torch_file::TorchFormat,
    training::Training,
};

/// How the file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// safetensors
    Safetensors,
    /// `torch.save`
    Torch(TorchFormat),
}

impl Format {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Torch(TorchFormat::Zip) => "torch zip",
            Self::Torch(TorchFormat::Legacy) => "torch legacy",
        }
    }
}

/// Which network of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// The one that was trained.
    Student,
    /// Its moving average.
    Teacher,
    /// The only one of a file that says no more of it.
    Backbone,
}

impl Branch {
    /// Name in reports, and prefix in our states.
    pub fn name(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Teacher => "teacher",
            Self::Backbone => "backbone",
        }
    }

    /// The branch of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Student, Self::Teacher, Self::Backbone];
        all.into_iter().find(|branch| branch.name() == name)
    }
}

/// An open file of weights. Values are read when they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    pub(crate) file: File,
    length: u64,
    format: Format,
    naming: Naming,
    shape: ModelShape,
    networks: Vec<(Branch, Named)>,
    pub(crate) training: Training,
    /// Steps made and whether the optimiser is there, of a state of ours.
    native: Option<NativeState>,
    /// Attention heads, where the file says so.
    heads: Option<u64>,
    remarks: Vec<String>,
}

impl Checkpoint {
    /// Opens a file of weights, whatever its kind: the content decides, not the name.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let unread = |source| WeightsError::Io {
            path: path.to_owned(),
            action: "read",
            source,
        };
        let flawed = |flaw| WeightsError::Content {
            path: path.to_owned(),
            flaw,
        };
        // A pipe would have to be waited for.
        if !fs::metadata(path).map_err(unread)?.is_file() {
            return Err(flawed(Flaw::new("path", "a file", "something else")));
        }
        let file = File::open(path).map_err(unread)?;
        let length = file.metadata().map_err(unread)?.len();
        let content = content(&file, length).map_err(flawed)?;
        Self::ordered(path, file, length, content).map_err(flawed)
    }

    fn ordered(path: &Path, file: File, length: u64, content: Content) -> Result<Self, Flaw> {
        let Content {
            format,
            networks,
            mut training,
            native,
            heads,
        } = content;
        let mut facts: Option<(Naming, ModelShape)> = None;
        let mut remarks = std::mem::take(&mut training.remarks);
        let mut named = Vec::new();
        for (branch, network) in networks {
            let (_, shape) = *facts.get_or_insert((network.naming, network.shape));
            if shape != network.shape {
                let expected = "student and teacher of one shape";
                return Err(Flaw::new(branch.name(), expected, "two shapes"));
            }
            for remark in network.remarks {
                let remark = format!("{}: {remark}", branch.name());
                remarks.push(remark);
            }
            named.push((branch, network.tensors));
        }
        let Some((naming, shape)) = facts else {
            return Err(Flaw::new("weights", "at least one network", "none"));
        };
        let naming = if native.is_some() {
            Naming::Native
        } else {
            naming
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            format,
            naming,
            shape,
            networks: named,
            training,
            native,
            heads,
            remarks,
        })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How it is laid out.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whose names it had.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// Shape of its networks.
    pub fn shape(&self) -> ModelShape {
        self.shape
    }

    /// Attention heads, where the file says so: the shapes of its tensors do not.
    pub fn heads(&self) -> Option<u64> {
        self.heads
    }

    /// Networks in it.
    pub fn branches(&self) -> Vec<Branch> {
        self.networks.iter().map(|(branch, _)| *branch).collect()
    }

    /// Epochs that were trained, if the file says so.
    pub fn epoch(&self) -> Option<u64> {
        self.training.epoch
    }

    /// Steps made: those of a state of ours, else the updates that the optimiser has counted.
    pub fn steps(&self) -> Option<i64> {
        let counted = || {
            let slots = self.training.optimizer.as_ref()?.slots.values();
            slots
                .map(|slot| slot.steps)
                .max()
                .filter(|&steps| steps > 0)
        };
        self.native
            .as_ref()
            .map(|native| native.steps)
            .or_else(counted)
    }

    /// Arguments of the run, if the file has them.
    pub fn arguments(&self) -> Option<&Json> {
        self.training.arguments.as_ref()
    }

    /// The rule whose state is there.
    pub fn optimizer(&self) -> Option<OptimizerKind> {
        match &self.native {
            Some(native) => native.optimizer,
            None => self.training.optimizer.as_ref().map(|state| state.kind),
        }
    }

    /// Whether the centres of the teacher's logits are there.
    pub fn has_centers(&self) -> bool {
        self.native.is_some() || self.training.centers.is_some()
    }

    /// Whether the prototypes' norms were left out of the training, if the optimiser tells.
    pub fn norms_frozen(&self) -> Option<bool> {
        self.training
            .optimizer
            .as_ref()
            .map(|state| state.norms_frozen)
    }

    /// What a reader should know, in whole lines.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Values of a parameter of a network, by our name, row after row.
    pub fn values(&self, branch: Branch, name: &str) -> Result<Vec<f32>, WeightsError> {
        let tensor = self
            .network(branch)?
            .get(name)
            .ok_or_else(|| self.flawed(Flaw::new(name, "a parameter of this name", "none")))?;
        tensor
            .values(name, &self.file)
            .map_err(|flaw| self.flawed(flaw))
    }

    /// Parameters of a network by our names.
    pub(crate) fn network(&self, branch: Branch) -> Result<&Named, WeightsError> {
        let mut networks = self.networks.iter();
        let network = networks.find(|(other, _)| *other == branch);
        network.map(|(_, network)| network).ok_or_else(|| {
            let held: Vec<_> = self.branches().into_iter().map(Branch::name).collect();
            let found = format!("only {}", held.join(" and "));
            self.flawed(Flaw::new(
                "network",
                format!("the {}", branch.name()),
                found,
            ))
        })
    }

    pub(crate) fn flawed(&self, flaw: Flaw) -> WeightsError {
        WeightsError::Content {
            path: self.path.clone(),
            flaw,
        }
    }
}
