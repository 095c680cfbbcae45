//! What a pickle describes: values that refer to nodes of one table, so that shared and circular parts cost nothing.

use std::sync::Arc;

use safetensors::Dtype;

use super::allowed::Allowed;

/// Place of a node in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub u32);

/// One value; containers and tensors are nodes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    /// Python's whole numbers, those of up to 127 bits.
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// A name of the fixed list.
    Name(Allowed),
    Node(NodeId),
}

/// A value that other values can share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A list or a set.
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    /// An `argparse.Namespace`; its state is a dictionary once it is built.
    Namespace(Value),
    NumpyDtype {
        code: Arc<str>,
        big_endian: bool,
    },
    Storage(Box<StorageRef>),
    Tensor(Box<TensorRef>),
}

/// A storage as the pickle names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StorageRef {
    pub key: Arc<str>,
    pub dtype: Dtype,
    /// Number of its values.
    pub count: u64,
    /// First value within the storage of that key (old files have views of storages).
    pub offset: u64,
}

/// A tensor as the pickle describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorRef {
    pub storage: StorageRef,
    /// First value within its storage.
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickled {
    pub nodes: Vec<Node>,
    pub root: Value,
}

impl Pickled {
    /// The node that a value refers to.
    pub fn node(&self, value: &Value) -> Option<&Node> {
        match value {
            Value::Node(id) => self.nodes.get(id.0 as usize),
            _ => None,
        }
    }

    /// Entries of a dictionary, or of the state of a namespace; none of anything else.
    pub fn entries(&self, value: &Value) -> &[(Value, Value)] {
        match self.node(value) {
            Some(Node::Dict(entries)) => entries,
            Some(Node::Namespace(state)) => match self.node(state) {
                Some(Node::Dict(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// Items of a list or a tuple; none of anything else.
    pub fn items(&self, value: &Value) -> &[Value] {
        match self.node(value) {
            Some(Node::List(items) | Node::Tuple(items)) => items,
            _ => &[],
        }
    }

    /// The last entry of this name.
    pub fn get(&self, value: &Value, name: &str) -> Option<&Value> {
        let entries = self.entries(value).iter().rev();
        let mut named =
            entries.filter(|(key, _)| matches!(key, Value::Text(text) if &**text == name));
        named.next().map(|(_, value)| value)
    }

    /// The tensor that a value is.
    pub fn tensor(&self, value: &Value) -> Option<&TensorRef> {
        match self.node(value) {
            Some(Node::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }
}

/// Text that a value is.
pub(crate) fn text(value: Option<&Value>) -> Option<Arc<str>> {
    match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// A whole number of at least 0 that a value is.
pub(crate) fn whole(value: Option<&Value>) -> Option<u64> {
    match value {
        Some(&Value::Int(number)) => u64::try_from(number).ok(),
        _ => None,
    }
}
