//! What the names of the fixed list make of their arguments.

use std::sync::Arc;

use half::f16;

use super::{
    allowed::Allowed,
    machine::{MOST_ARGUMENTS, Machine},
    value::{Node, StorageRef, TensorRef, Value, text, whole},
};
use crate::error::Flaw;

/// The value of `name(*arguments)`.
pub(super) fn reduced(
    machine: &mut Machine,
    name: Allowed,
    arguments: &[Value],
) -> Result<Value, Flaw> {
    match name {
        Allowed::RebuildTensor => {
            let tensor = tensor(machine, arguments)?;
            Ok(machine.add(Node::Tensor(Box::new(tensor))))
        }
        Allowed::RebuildParameter => match arguments.first() {
            Some(data) if matches!(machine.node(data), Some(Node::Tensor(_))) => Ok(data.clone()),
            _ => Err(machine.flaw("the tensor of a parameter", "another value")),
        },
        Allowed::Namespace => Ok(machine.add(Node::Namespace(Value::None))),
        Allowed::Reconstruct => match arguments.first() {
            Some(&Value::Name(class)) if class != Allowed::Reconstruct => {
                reduced(machine, class, &[])
            }
            _ => Err(machine.flaw("a class of the list", "another value")),
        },
        Allowed::Size | Allowed::Tuple => {
            let items = items(machine, arguments.first())?;
            Ok(machine.add(Node::Tuple(items)))
        }
        Allowed::List | Allowed::Set => {
            let items = items(machine, arguments.first())?;
            Ok(machine.add(Node::List(items)))
        }
        Allowed::Device => Ok(text(arguments.first()).map_or(Value::None, Value::Text)),
        Allowed::Encode => encoded(machine, arguments),
        Allowed::NumpyDtype => {
            let code = text(arguments.first())
                .ok_or_else(|| machine.flaw("the code of a numpy type", "another value"))?;
            let big_endian = false;
            Ok(machine.add(Node::NumpyDtype { code, big_endian }))
        }
        Allowed::NumpyScalar => numpy_scalar(machine, arguments),
        Allowed::OrderedDict | Allowed::DefaultDict | Allowed::Dict => {
            dictionary(machine, arguments)
        }
        Allowed::Storage(_) | Allowed::TorchDtype(_) | Allowed::Object => {
            Err(machine.flaw("a class or a function", "a name that is neither"))
        }
    }
}

/// What a persistent id names: `("storage", kind, key, device, count[, view])`.
pub(super) fn storage(machine: &Machine, id: &Value) -> Result<StorageRef, Flaw> {
    let parts = match machine.node(id) {
        Some(Node::Tuple(parts)) => parts,
        _ => return Err(machine.flaw("the id of a storage", "another value")),
    };
    let kind = match parts.get(1) {
        Some(&Value::Name(Allowed::Storage(dtype))) => Some(dtype),
        _ => None,
    };
    let marked = matches!(parts.first(), Some(Value::Text(text)) if &**text == "storage");
    let named = (kind, text(parts.get(2)), whole(parts.get(4)));
    let (true, (Some(dtype), Some(key), Some(count))) = (marked, named) else {
        return Err(machine.flaw("the id of a storage", "another tuple"));
    };
    let (offset, count) = match parts.get(5).and_then(|view| machine.node(view)) {
        Some(Node::Tuple(view)) => match (whole(view.get(1)), whole(view.get(2))) {
            (Some(offset), Some(count)) => (offset, count),
            _ => return Err(machine.flaw("a view of a storage", "another tuple")),
        },
        _ => (0, count),
    };
    Ok(StorageRef {
        key,
        dtype,
        count,
        offset,
    })
}

/// Whether the state of a numpy type, `(version, byte order, …)`, says that the first byte is the highest.
pub(super) fn is_big_endian(machine: &Machine, state: &Value) -> bool {
    match machine.node(state) {
        Some(Node::Tuple(parts)) => text(parts.get(1)).is_some_and(|order| &*order == ">"),
        _ => false,
    }
}

fn tensor(machine: &Machine, arguments: &[Value]) -> Result<TensorRef, Flaw> {
    let storage = match arguments.first().and_then(|value| machine.node(value)) {
        Some(Node::Storage(storage)) => (**storage).clone(),
        _ => return Err(machine.flaw("the storage of a tensor", "another value")),
    };
    let sides = |value: Option<&Value>| -> Option<Vec<usize>> {
        let sides = match machine.node(value?) {
            Some(Node::Tuple(sides) | Node::List(sides)) if sides.len() <= MOST_ARGUMENTS => sides,
            _ => return None,
        };
        let side = |value: &Value| whole(Some(value)).and_then(|side| usize::try_from(side).ok());
        sides.iter().map(side).collect()
    };
    let placed = (
        whole(arguments.get(1)),
        sides(arguments.get(2)),
        sides(arguments.get(3)),
    );
    let (Some(offset), Some(shape), Some(strides)) = placed else {
        return Err(machine.flaw("offset, shape and strides of a tensor", "other values"));
    };
    Ok(TensorRef {
        storage,
        offset,
        shape,
        strides,
    })
}

/// An empty dictionary, or one of a list of pairs.
fn dictionary(machine: &mut Machine, arguments: &[Value]) -> Result<Value, Flaw> {
    let pairs = items(machine, arguments.last())?;
    let entry = |pair: &Value| match machine.node(pair) {
        Some(Node::Tuple(pair) | Node::List(pair)) => match pair.as_slice() {
            [key, value] => Some((key.clone(), value.clone())),
            _ => None,
        },
        _ => None,
    };
    let entries: Option<Vec<_>> = pairs.iter().map(entry).collect();
    let entries = entries.ok_or_else(|| machine.flaw("pairs of keys and values", "others"))?;
    Ok(machine.add(Node::Dict(entries)))
}

fn items(machine: &mut Machine, value: Option<&Value>) -> Result<Vec<Value>, Flaw> {
    let items = match value.and_then(|value| machine.node(value)) {
        Some(Node::List(items) | Node::Tuple(items)) => items.len(),
        _ => return Ok(Vec::new()),
    };
    machine.spend(items)?;
    match value.and_then(|value| machine.node(value)) {
        Some(Node::List(items) | Node::Tuple(items)) => Ok(items.clone()),
        _ => Ok(Vec::new()),
    }
}

/// `_codecs.encode(text, "latin1")`
fn encoded(machine: &mut Machine, arguments: &[Value]) -> Result<Value, Flaw> {
    let latin = matches!(arguments.get(1), Some(Value::Text(name)) if &**name == "latin1");
    let text = text(arguments.first()).filter(|_| latin);
    machine.spend(text.as_ref().map_or(0, |text| text.len()))?;
    let bytes = text.and_then(|text| {
        let bytes = text.chars().map(|letter| u8::try_from(u32::from(letter)));
        bytes.collect::<Result<Arc<[u8]>, _>>().ok()
    });
    let bytes = bytes.ok_or_else(|| machine.flaw("text as latin1", "another value"))?;
    Ok(Value::Bytes(bytes))
}

fn numpy_scalar(machine: &Machine, arguments: &[Value]) -> Result<Value, Flaw> {
    let kind = match arguments.first().and_then(|value| machine.node(value)) {
        Some(Node::NumpyDtype { code, big_endian }) => Some((code.clone(), *big_endian)),
        _ => None,
    };
    let value = match (kind, arguments.get(1)) {
        (Some((code, big_endian)), Some(Value::Bytes(bytes))) if bytes.len() <= 8 => {
            let mut bytes = bytes.to_vec();
            if big_endian {
                bytes.reverse();
            }
            numpy_value(&code, &bytes)
        }
        _ => None,
    };
    value.ok_or_else(|| machine.flaw("a numpy number", "another value"))
}

fn numpy_value(code: &str, bytes: &[u8]) -> Option<Value> {
    let signed = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let whole = |fill: u8| {
        let mut wide = [fill; 16];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Value::Int(i128::from_le_bytes(wide)))
    };
    match code {
        "f8" => Some(Value::Float(f64::from_le_bytes(bytes.try_into().ok()?))),
        "f4" => Some(Value::Float(
            f32::from_le_bytes(bytes.try_into().ok()?).into(),
        )),
        "f2" => Some(Value::Float(
            f16::from_le_bytes(bytes.try_into().ok()?).into(),
        )),
        "b1" => Some(Value::Bool(bytes.first()? != &0)),
        "i1" | "i2" | "i4" | "i8" => whole(if signed { 0xff } else { 0 }),
        "u1" | "u2" | "u4" | "u8" => whole(0),
        _ => None,
    }
}
