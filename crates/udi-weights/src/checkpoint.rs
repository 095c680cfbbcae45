//! A file of weights of any known kind, opened: what is in it under our names.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use crate::{
    error::{Flaw, WeightsError},
    names::{Found, Mapped, Naming, mapped},
    safetensors_file::{self, SafetensorsFile},
    shape::{ModelShape, Named},
    stored::StoredTensor,
    torch_file::{self, Node, Pickled, TorchFile, TorchFormat, Value},
    training::{self, OptimizerKind, Training},
    write::BACKBONE_NOTE,
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

#[derive(Debug)]
struct NativeState {
    steps: i64,
    optimizer: Option<OptimizerKind>,
}

/// What a file holds, before its facts are put in order.
struct Content {
    format: Format,
    networks: Vec<(Branch, Mapped)>,
    training: Training,
    native: Option<NativeState>,
    heads: Option<u64>,
}

impl Checkpoint {
    /// Opens a file of weights, whatever its kind: the content decides, not the name.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let unread = |source| WeightsError::Io {
            path: path.to_owned(),
            action: "read",
            source,
        };
        let file = File::open(path).map_err(unread)?;
        let metadata = file.metadata().map_err(unread)?;
        let opened = match metadata.is_file() {
            true => content(&file, metadata.len()),
            false => Err(Flaw::new("path", "a file", "something else")),
        };
        let flawed = |flaw| WeightsError::Content {
            path: path.to_owned(),
            flaw,
        };
        let content = opened.map_err(flawed)?;
        let length = metadata.len();
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

fn content(file: &File, length: u64) -> Result<Content, Flaw> {
    let mut head = [0; 9];
    let size = head.len().min(length as usize);
    file.read_exact_at(&mut head[..size], 0)
        .map_err(|error| Flaw::unread("file", &error))?;
    if let Some(torch) = torch_file::read(file, length, &head[..size]) {
        return torch_content(&torch?, file);
    }
    match head {
        [.., b'{'] => safetensors_content(safetensors_file::read(file, length)?, file),
        _ => {
            let expected = "a file of torch.save or safetensors";
            Err(Flaw::new("file", expected, "one that begins like neither"))
        }
    }
}

fn safetensors_content(read: SafetensorsFile, file: &File) -> Result<Content, Flaw> {
    let of = |prefix: &str| -> Found {
        let tensors = read.tensors.iter();
        let named = tensors.filter_map(|(name, stored)| {
            Some((name.strip_prefix(prefix)?.to_owned(), stored.clone()))
        });
        named.collect()
    };
    let mut networks = Vec::new();
    for branch in [Branch::Student, Branch::Teacher] {
        let found = of(&format!("{}.", branch.name()));
        if !found.is_empty() {
            networks.push((branch, mapped(found, file)?));
        }
    }
    let heads = read.notes.get(BACKBONE_NOTE).and_then(|note| {
        let note: Json = serde_json::from_str(note).ok()?;
        note.get("heads")?.as_u64()
    });
    let native = match networks.is_empty() {
        true => None,
        false => Some(native_state(&read, file)?),
    };
    if networks.is_empty() {
        networks.push((Branch::Backbone, mapped(read.tensors, file)?));
    }
    Ok(Content {
        format: Format::Safetensors,
        networks,
        training: Training::default(),
        native,
        heads,
    })
}

fn native_state(read: &SafetensorsFile, file: &File) -> Result<NativeState, Flaw> {
    let named = |wanted: &str| read.tensors.iter().find(|(name, _)| name == wanted);
    let begins = |prefix: &str| {
        read.tensors
            .iter()
            .any(|(name, _)| name.starts_with(prefix))
    };
    let steps = match named("steps") {
        Some((_, stored)) if stored.count() == 1 => whole_number(stored, file)?,
        _ => 0,
    };
    let optimizer = match (begins("optimizer.first."), begins("optimizer.second.")) {
        (true, true) => Some(OptimizerKind::AdamW),
        (true, false) => Some(OptimizerKind::Sgd),
        _ => None,
    };
    Ok(NativeState { steps, optimizer })
}

fn whole_number(stored: &StoredTensor, file: &File) -> Result<i64, Flaw> {
    let bytes = stored.bytes("steps", file)?;
    let wide = <[u8; 8]>::try_from(bytes).map(i64::from_le_bytes);
    wide.map_err(|_| Flaw::new("steps", "an int64", "another kind"))
}

fn torch_content(torch: &TorchFile, file: &File) -> Result<Content, Flaw> {
    let pickled = &torch.pickled;
    let mut networks = Vec::new();
    for branch in [Branch::Student, Branch::Teacher] {
        if let Some(state) = pickled.get(&pickled.root, branch.name()) {
            networks.push((branch, mapped(found(torch, state)?, file)?));
        }
    }
    let mut training = Training::default();
    if networks.is_empty() {
        let state = state_dictionary(pickled);
        networks.push((Branch::Backbone, mapped(found(torch, state)?, file)?));
    } else {
        let student = networks
            .iter()
            .find(|(branch, _)| *branch == Branch::Student);
        training = training::read(torch, file, student.map(|(_, student)| student))?;
    }
    Ok(Content {
        format: Format::Torch(torch.format),
        networks,
        training,
        native: None,
        heads: None,
    })
}

/// Names under which others keep the weights of a file that holds more.
const WRAPPINGS: [&str; 4] = ["state_dict", "model", "model_state_dict", "model_ema"];

fn state_dictionary(pickled: &Pickled) -> &Value {
    let inner = WRAPPINGS
        .into_iter()
        .filter_map(|name| pickled.get(&pickled.root, name));
    let dictionary = |value: &&Value| matches!(pickled.node(value), Some(Node::Dict(_)));
    inner.into_iter().find(dictionary).unwrap_or(&pickled.root)
}

/// Tensors of a state dictionary.
fn found(torch: &TorchFile, state: &Value) -> Result<Found, Flaw> {
    let mut found = Found::new();
    for (key, value) in torch.pickled.entries(state) {
        let (Value::Text(name), Some(tensor)) = (key, torch.pickled.tensor(value)) else {
            continue;
        };
        found.push((name.to_string(), torch.stored(name, tensor)?));
    }
    Ok(found)
}
