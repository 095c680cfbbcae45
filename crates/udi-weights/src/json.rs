//! Plain values of a pickle as JSON: the arguments of a run.

use serde_json::{Map, Number, Value as Json};

use crate::torch_file::{Node, Pickled, Value};

/// Depth and number of values beyond which nothing is shown.
const DEEPEST: usize = 8;
const MOST: usize = 10_000;

/// Values of plain kinds; anything else, and what lies too deep or too late, is left out.
pub(crate) fn json(pickled: &Pickled, value: &Value) -> Option<Json> {
    let mut left = MOST;
    converted(pickled, value, DEEPEST, &mut left)
}

fn converted(pickled: &Pickled, value: &Value, depth: usize, left: &mut usize) -> Option<Json> {
    *left = left.checked_sub(1)?;
    match value {
        Value::None => Some(Json::Null),
        Value::Bool(flag) => Some(Json::Bool(*flag)),
        Value::Int(number) => i64::try_from(*number).ok().map(Json::from),
        Value::Float(number) => Number::from_f64(*number).map(Json::Number),
        Value::Text(text) => Some(Json::String(text.chars().take(1000).collect())),
        Value::Bytes(_) | Value::Name(_) => None,
        Value::Node(_) => {
            let depth = depth.checked_sub(1)?;
            let entries = pickled.entries(value);
            if matches!(
                pickled.node(value),
                Some(Node::Dict(_) | Node::Namespace(_))
            ) {
                let entries = entries.iter().filter_map(|(key, value)| match key {
                    Value::Text(key) => Some((
                        key.chars().take(200).collect(),
                        converted(pickled, value, depth, left)?,
                    )),
                    _ => None,
                });
                return Some(Json::Object(Map::from_iter(entries)));
            }
            if pickled.tensor(value).is_some() {
                return None;
            }
            let items = pickled.items(value).iter();
            let items = items.filter_map(|item| converted(pickled, item, depth, left));
            Some(Json::Array(items.collect()))
        }
    }
}
