//! A graph under construction: nodes are added in the order in which they can be computed, each with one output that
//! bears its name.

use super::{
    schema::{Attribute, GraphMessage, Initializer, Kind, Node, Port},
    tensors::{Place, Weight, integers, placed},
};
use crate::{
    error::WeightsError,
    export::{array::Array, stored_as::StoredAs, written_file::WrittenFile},
};

/// Nodes, weights and ports.
#[derive(Debug)]
pub(super) struct Graph {
    stored_as: StoredAs,
    nodes: Vec<Node>,
    weights: Vec<Weight>,
    integers: Vec<Initializer>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Graph {
    pub fn new(stored_as: StoredAs) -> Self {
        Self {
            stored_as,
            nodes: Vec::new(),
            weights: Vec::new(),
            integers: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Floats `[batch, sides…]` that come from outside.
    pub fn input(&mut self, name: &str, sides: &[usize]) -> String {
        self.inputs.push(Port::batch(name, sides));
        name.to_owned()
    }

    /// Floats `[batch, sides…]` that go outside: the node of that name.
    pub fn output(&mut self, name: &str, sides: &[usize]) {
        self.outputs.push(Port::batch(name, sides));
    }

    /// An operation without attributes.
    pub fn node(&mut self, name: &str, operation: &str, inputs: &[&str]) -> String {
        self.node_with(name, operation, inputs, Vec::new())
    }

    /// An operation; returns its output.
    pub fn node_with(
        &mut self,
        name: &str,
        operation: &str,
        inputs: &[&str],
        attribute: Vec<Attribute>,
    ) -> String {
        self.nodes_with(&[name], operation, inputs, attribute);
        name.to_owned()
    }

    /// An operation with several outputs; it is called like the first one.
    pub fn nodes_with(
        &mut self,
        outputs: &[&str],
        operation: &str,
        inputs: &[&str],
        attribute: Vec<Attribute>,
    ) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.nodes.push(Node {
            input: owned(inputs),
            output: owned(outputs),
            name: outputs
                .first()
                .map(|&name| name.to_owned())
                .unwrap_or_default(),
            op_type: operation.to_owned(),
            attribute,
        });
    }

    /// A trained value, read as fp32 whatever it is stored as.
    pub fn weight(&mut self, name: &str, array: Array) -> String {
        let stored_name = match self.stored_as {
            StoredAs::Fp32 => name.to_owned(),
            StoredAs::Fp16 => format!("{name}.fp16"),
        };
        if self.stored_as != StoredAs::Fp32 {
            let kind = Attribute::int("to", Kind::Float as i64);
            self.node_with(name, "Cast", &[&stored_name], vec![kind]);
        }
        self.weights.push(Weight {
            name: stored_name,
            array,
            stored_as: self.stored_as,
        });
        name.to_owned()
    }

    /// A number of the architecture, never rounded.
    pub fn number(&mut self, name: &str, value: f32) -> String {
        self.weights.push(Weight {
            name: name.to_owned(),
            array: Array::new(&[], vec![value]),
            stored_as: StoredAs::Fp32,
        });
        name.to_owned()
    }

    /// A list of integers.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let dims = [values.len() as i64];
        self.integers.push(integers(name, values, &dims));
        name.to_owned()
    }

    /// One integer.
    pub fn integer(&mut self, name: &str, value: i64) -> String {
        self.integers.push(integers(name, &[value], &[]));
        name.to_owned()
    }

    /// What the weights take in the file.
    pub fn weight_bytes(&self) -> usize {
        self.weights.iter().map(Weight::size).sum()
    }

    /// The message, once its weights have their place, and the file beside the model if there is one.
    pub fn finish(
        self,
        place: &Place,
    ) -> Result<(GraphMessage, Option<WrittenFile>), WeightsError> {
        let (weights, file) = placed(self.weights, place)?;
        let mut initializer = self.integers;
        initializer.extend(weights);
        let message = GraphMessage {
            node: self.nodes,
            name: "backbone".to_owned(),
            initializer,
            input: self.inputs,
            output: self.outputs,
        };
        Ok((message, file))
    }
}
