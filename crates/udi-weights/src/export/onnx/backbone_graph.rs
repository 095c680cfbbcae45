//! The Vision Transformer as operators of ONNX: `pixels` `[batch, 3, H, W]`, normalised -> `cls` and `cls_plus`
//! `[batch, C]`, `patches` `[batch, N, C]`, all after the final norm.

use super::{graph::Graph, schema::Attribute};
use crate::export::{
    array::Array,
    backbone::{Backbone, Geometry},
    stored_as::StoredAs,
};

const EPSILON: f32 = 1e-6;

/// Names of the class tokens, in their order.
const CLASS_TOKENS: [&str; 2] = ["cls", "cls_plus"];

/// A graph that owns the backbone's weights.
pub(super) fn backbone_graph(backbone: Backbone, stored_as: StoredAs) -> Graph {
    let mut builder = Builder {
        geometry: backbone.geometry,
        graph: Graph::new(stored_as),
        backbone,
    };
    builder.constants();
    let mut tokens = builder.tokens();
    for index in 0..builder.geometry.depth {
        tokens = builder.block(index, &tokens);
    }
    let tokens = builder.layer_norm("norm", &tokens);
    builder.outputs(&tokens);
    builder.graph
}

struct Builder {
    geometry: Geometry,
    backbone: Backbone,
    graph: Graph,
}

impl Builder {
    /// Shapes and numbers that all blocks share. A side of 0 is taken over from the operand.
    fn constants(&mut self) {
        let Geometry {
            width,
            heads,
            class_tokens,
            ..
        } = self.geometry;
        let (tokens, dimension) = (self.geometry.patches() + class_tokens, width / heads);
        let sides = |sides: [usize; 3]| sides.map(|side| side as i64);
        let [tokens, heads, dimension] = sides([tokens, heads, dimension]);
        self.graph
            .integers("shape.heads", &[0, tokens, heads, dimension]);
        self.graph
            .integers("shape.tokens", &[0, tokens, width as i64]);
        self.graph
            .number("attention.scale", (dimension as f32).sqrt().recip());
        self.graph.number("gelu.sqrt2", std::f32::consts::SQRT_2);
        self.graph.number("one", 1.0);
        self.graph.number("half", 0.5);
    }

    /// Class and patch tokens with their positions, `[batch, class tokens + N, C]`.
    fn tokens(&mut self) -> String {
        let (height, width) = self.geometry.image_size;
        let pixels = self.graph.input("pixels", &[3, height, width]);
        let positions = self.backbone.take("pos_embed");
        let patches = self.patches(&pixels, &positions);
        let class = self.class_tokens(&pixels, &positions);
        let axis = Attribute::int("axis", 1);
        self.graph
            .node_with("tokens", "Concat", &[&class, &patches], vec![axis])
    }

    /// `[batch, N, C]`
    fn patches(&mut self, pixels: &str, positions: &Array) -> String {
        let (width, count) = (self.geometry.width, self.geometry.patches());
        let weight = self.parameter("patch_embed.proj.weight");
        let bias = self.parameter("patch_embed.proj.bias");
        let patch = [self.geometry.patch_size as i64; 2];
        let sides = vec![
            Attribute::ints("kernel_shape", &patch),
            Attribute::ints("strides", &patch),
        ];
        let grid = self
            .graph
            .node_with("patch_embed", "Conv", &[pixels, &weight, &bias], sides);
        let flat = self
            .graph
            .integers("shape.patches", &[0, width as i64, count as i64]);
        let columns = self
            .graph
            .node("patch_embed.flat", "Reshape", &[&grid, &flat]);
        let rows = self.transpose("patch_embed.rows", &columns, &[0, 2, 1]);
        let grid = positions.rows((self.geometry.class_tokens, count), &[1, count, width]);
        let grid = self.graph.weight("pos_embed.patches", grid);
        self.graph.node("patches.placed", "Add", &[&rows, &grid])
    }

    /// `[batch, class tokens, C]`: the same for every image.
    fn class_tokens(&mut self, pixels: &str, positions: &Array) -> String {
        let (width, tokens) = (self.geometry.width, self.geometry.class_tokens);
        let shape = [1, tokens, width];
        let class = self.backbone.take("cls_token");
        let placed = class.plus(&positions.rows((0, tokens), &shape));
        let class = self.graph.weight("class.placed", placed);
        let cut = vec![Attribute::int("start", 0), Attribute::int("end", 1)];
        let batch = self.graph.node_with("batch", "Shape", &[pixels], cut);
        let rest = self
            .graph
            .integers("shape.class", &[tokens as i64, width as i64]);
        let axis = Attribute::int("axis", 0);
        let shape = self
            .graph
            .node_with("class.shape", "Concat", &[&batch, &rest], vec![axis]);
        self.graph.node("class", "Expand", &[&class, &shape])
    }

    /// `[batch, tokens, C]` -> the same.
    fn block(&mut self, index: usize, tokens: &str) -> String {
        let at = |part: &str| format!("blocks.{index}.{part}");
        let normed = self.layer_norm(&at("norm1"), tokens);
        let attended = self.attention(&at("attn"), &normed);
        let tokens = self
            .graph
            .node(&at("attended"), "Add", &[tokens, &attended]);
        let normed = self.layer_norm(&at("norm2"), &tokens);
        let hidden = self.linear(&at("mlp.fc1"), &normed);
        let hidden = self.gelu(&at("mlp.gelu"), &hidden);
        let output = self.linear(&at("mlp.fc2"), &hidden);
        self.graph.node(&at("output"), "Add", &[&tokens, &output])
    }

    /// softmax(q kᵀ / √d) v, head by head.
    fn attention(&mut self, name: &str, tokens: &str) -> String {
        let at = |part: &str| format!("{name}.{part}");
        let packed = self.linear(&at("qkv"), tokens);
        let parts = ["query", "key", "value"].map(&at);
        let [query, key, value] = &parts;
        let axis = Attribute::int("axis", 2);
        self.graph
            .nodes_with(&[query, key, value], "Split", &[&packed], vec![axis]);
        let query = self.heads(query, &[0, 2, 1, 3]);
        let key = self.heads(key, &[0, 2, 3, 1]);
        let value = self.heads(value, &[0, 2, 1, 3]);
        let query = self
            .graph
            .node(&at("scaled"), "Mul", &[&query, "attention.scale"]);
        let scores = self.graph.node(&at("scores"), "MatMul", &[&query, &key]);
        let last = Attribute::int("axis", -1);
        let shares = self
            .graph
            .node_with(&at("shares"), "Softmax", &[&scores], vec![last]);
        let mixed = self.graph.node(&at("mixed"), "MatMul", &[&shares, &value]);
        let joined = self.transpose(&at("joined"), &mixed, &[0, 2, 1, 3]);
        let rows = self
            .graph
            .node(&at("rows"), "Reshape", &[&joined, "shape.tokens"]);
        self.linear(&at("proj"), &rows)
    }

    /// `[batch, tokens, C]` -> heads, tokens and dimensions in this order.
    fn heads(&mut self, part: &str, order: &[i64; 4]) -> String {
        let split = self
            .graph
            .node(&format!("{part}.split"), "Reshape", &[part, "shape.heads"]);
        self.transpose(&format!("{part}.heads"), &split, order)
    }

    /// x (1 + erf(x / √2)) / 2
    fn gelu(&mut self, name: &str, input: &str) -> String {
        let at = |part: &str| format!("{name}.{part}");
        let divided = self
            .graph
            .node(&at("divided"), "Div", &[input, "gelu.sqrt2"]);
        let erf = self.graph.node(&at("erf"), "Erf", &[&divided]);
        let raised = self.graph.node(&at("raised"), "Add", &[&erf, "one"]);
        let gated = self.graph.node(&at("gated"), "Mul", &[input, &raised]);
        self.graph.node(name, "Mul", &[&gated, "half"])
    }

    /// x Wᵀ + b
    fn linear(&mut self, name: &str, input: &str) -> String {
        let matrix = self.backbone.take(&format!("{name}.weight")).transposed();
        let matrix = self.graph.weight(&format!("{name}.weight"), matrix);
        let bias = self.parameter(&format!("{name}.bias"));
        let product = self
            .graph
            .node(&format!("{name}.product"), "MatMul", &[input, &matrix]);
        self.graph.node(name, "Add", &[&product, &bias])
    }

    fn layer_norm(&mut self, name: &str, input: &str) -> String {
        let weight = self.parameter(&format!("{name}.weight"));
        let bias = self.parameter(&format!("{name}.bias"));
        let how = vec![
            Attribute::int("axis", -1),
            Attribute::float("epsilon", EPSILON),
        ];
        self.graph
            .node_with(name, "LayerNormalization", &[input, &weight, &bias], how)
    }

    fn transpose(&mut self, name: &str, input: &str, order: &[i64]) -> String {
        let order = Attribute::ints("perm", order);
        self.graph
            .node_with(name, "Transpose", &[input], vec![order])
    }

    fn parameter(&mut self, name: &str) -> String {
        let array = self.backbone.take(name);
        self.graph.weight(name, array)
    }

    fn outputs(&mut self, tokens: &str) {
        let (width, class_tokens) = (self.geometry.width, self.geometry.class_tokens);
        for (index, name) in CLASS_TOKENS.into_iter().take(class_tokens).enumerate() {
            let place = self.graph.integer(&format!("{name}.place"), index as i64);
            let axis = Attribute::int("axis", 1);
            self.graph
                .node_with(name, "Gather", &[tokens, &place], vec![axis]);
            self.graph.output(name, &[width]);
        }
        let first = self.graph.integers("patches.first", &[class_tokens as i64]);
        let end = self.graph.integers("patches.end", &[i64::MAX]);
        let axis = self.graph.integers("patches.axis", &[1]);
        self.graph
            .node("patches", "Slice", &[tokens, &first, &end, &axis]);
        self.graph
            .output("patches", &[self.geometry.patches(), width]);
    }
}
