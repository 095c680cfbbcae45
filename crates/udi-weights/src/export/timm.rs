//! Names of timm's `VisionTransformer`. It knows one class token and register tokens after it, all with positions of
//! their own in front of the grid's: `cls+` becomes the register token, and nothing else differs.

use super::{array::Named, backbone::Backbone};

pub(crate) fn tensors(mut backbone: Backbone) -> Vec<Named> {
    let width = backbone.geometry.width;
    let registers = backbone.geometry.class_tokens - 1;
    let class = backbone.take("cls_token");
    let mut tensors = backbone.into_tensors();
    let token = class.rows((0, 1), &[1, 1, width]);
    tensors.push(("cls_token".to_owned(), token));
    if registers > 0 {
        let token = class.rows((1, registers), &[1, registers, width]);
        tensors.push(("reg_token".to_owned(), token));
    }
    tensors
}
