//! The machine's stack and the nodes that its values refer to.

use super::{
    machine::Machine,
    value::{Node, NodeId, Value},
};
use crate::error::Flaw;

impl Machine<'_> {
    pub fn node(&self, value: &Value) -> Option<&Node> {
        match value {
            Value::Node(NodeId(id)) => self.nodes.get(*id as usize),
            _ => None,
        }
    }

    pub fn node_mut(&mut self, value: &Value) -> Option<&mut Node> {
        match value {
            Value::Node(NodeId(id)) => self.nodes.get_mut(*id as usize),
            _ => None,
        }
    }

    /// Allows a copy of so many values or bytes.
    pub fn spend(&mut self, count: usize) -> Result<(), Flaw> {
        let left = self.allowance.checked_sub(count);
        self.allowance = left.ok_or_else(|| self.flaw("few copies", "ever more of them"))?;
        Ok(())
    }

    /// A new node as a value.
    pub fn add(&mut self, node: Node) -> Value {
        self.nodes.push(node);
        // Fewer nodes than operations, whose number fits.
        Value::Node(NodeId((self.nodes.len() - 1) as u32))
    }

    pub fn push_node(&mut self, node: Node) {
        let value = self.add(node);
        self.stack.push(value);
    }

    pub fn push_marked(&mut self, make: fn(Vec<Value>) -> Node) -> Result<(), Flaw> {
        let items = self.marked()?;
        self.push_node(make(items));
        Ok(())
    }

    pub fn extend(&mut self, items: Vec<Value>) -> Result<(), Flaw> {
        let list = self.top()?.clone();
        match self.node_mut(&list) {
            Some(Node::List(list)) => list.extend(items),
            _ => return Err(self.flaw("a list", "another value")),
        }
        Ok(())
    }

    pub fn set(&mut self, entries: Vec<(Value, Value)>) -> Result<(), Flaw> {
        let dict = self.top()?.clone();
        match self.node_mut(&dict) {
            Some(Node::Dict(dict)) => dict.extend(entries),
            _ => return Err(self.flaw("a dictionary", "another value")),
        }
        Ok(())
    }

    pub fn paired(&self, items: Vec<Value>) -> Result<Vec<(Value, Value)>, Flaw> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.flaw("keys with values", "a key without one"));
        }
        let pair = |[key, value]: &[Value; 2]| (key.clone(), value.clone());
        Ok(pairs.iter().map(pair).collect())
    }

    /// Everything above the last mark, which goes.
    pub fn marked(&mut self) -> Result<Vec<Value>, Flaw> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| self.flaw("a mark", "none"))?;
        let height = self.stack.len();
        if mark > height {
            return Err(self.flaw("a mark below the top", "one above it"));
        }
        Ok(self.stack.split_off(mark))
    }

    pub fn last(&mut self, count: usize) -> Result<Vec<Value>, Flaw> {
        let below = self.stack.len().checked_sub(count);
        let below = below.ok_or_else(|| self.flaw("values on the stack", "too few"))?;
        Ok(self.stack.split_off(below))
    }

    pub fn top(&self) -> Result<&Value, Flaw> {
        self.stack
            .last()
            .ok_or_else(|| self.flaw("a value on the stack", "none"))
    }

    pub fn pop(&mut self) -> Result<Value, Flaw> {
        let top = self.stack.pop();
        top.ok_or_else(|| self.flaw("a value on the stack", "none"))
    }

    /// Pops a value, or a mark that stands on top.
    pub fn drop_top(&mut self) -> Result<(), Flaw> {
        match self.marks.last() {
            Some(&mark) if mark == self.stack.len() => self.marks.truncate(self.marks.len() - 1),
            _ => {
                self.pop()?;
            }
        }
        Ok(())
    }
}
