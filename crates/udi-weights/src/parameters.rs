//! The parameters that a model of some shape has, in the order in which the engine declares them.

use crate::shape::{BACKBONE, BackboneShape, HEAD, HeadShape, ModelShape, SAMPLING};

/// A parameter that a model of some shape has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Our name, that of the public checkpoints.
    pub name: String,
    /// Sides.
    pub shape: Vec<usize>,
    /// False: statistics of a BatchNorm.
    pub learns: bool,
}
impl ModelShape {
    /// All parameters in the order in which the engine declares them.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = List::default();
        self.list_backbone(&mut list);
        if self.sampling {
            self.list_sampling(&mut list);
        }
        if let Some(head) = self.head {
            self.list_head(&mut list, head);
        }
        list.0
    }

    fn list_backbone(&self, list: &mut List) {
        let BackboneShape {
            width,
            depth,
            mlp_width,
            patch_size,
            image_size,
            class_tokens,
        } = self.backbone;
        let places = class_tokens + (image_size / patch_size).pow(2);
        list.add(&format!("{BACKBONE}cls_token"), &[1, class_tokens, width]);
        list.add(&format!("{BACKBONE}pos_embed"), &[1, places, width]);
        let kernel = [width, 3, patch_size, patch_size];
        list.add(&format!("{BACKBONE}patch_embed.proj.weight"), &kernel);
        list.add(&format!("{BACKBONE}patch_embed.proj.bias"), &[width]);
        for block in 0..depth {
            let at = |part: &str| format!("{BACKBONE}blocks.{block}.{part}");
            list.norm(&at("norm1"), width);
            list.linear(&at("attn.qkv"), [width, 3 * width]);
            list.linear(&at("attn.proj"), [width, width]);
            list.norm(&at("norm2"), width);
            list.linear(&at("mlp.fc1"), [width, mlp_width]);
            list.linear(&at("mlp.fc2"), [mlp_width, width]);
        }
        list.norm(&format!("{BACKBONE}norm"), width);
    }

    fn list_sampling(&self, list: &mut List) {
        let width = self.backbone.width;
        list.linear(&format!("{SAMPLING}attn.qkv"), [width, 3 * width]);
        list.linear(&format!("{SAMPLING}attn.proj"), [width, width]);
        list.norm(&format!("{SAMPLING}attn.norm"), width);
        list.norm(&format!("{SAMPLING}norm1"), width);
    }

    fn list_head(&self, list: &mut List, head: HeadShape) {
        let hidden = head.hidden_width;
        let layers = if head.batch_norm { 3 } else { 2 };
        for (index, inputs) in [self.backbone.width, hidden].into_iter().enumerate() {
            let first = index * layers;
            list.linear(&format!("{HEAD}mlp.{first}"), [inputs, hidden]);
            if head.batch_norm {
                let norm = format!("{HEAD}mlp.{}", first + 1);
                list.norm(&norm, hidden);
                list.buffer(&format!("{norm}.running_mean"), hidden);
                list.buffer(&format!("{norm}.running_var"), hidden);
            }
        }
        let last = format!("{HEAD}mlp.{}", 2 * layers);
        list.linear(&last, [hidden, head.bottleneck_width]);
        list.add(&format!("{HEAD}last_layer.weight_g"), &[head.prototypes, 1]);
        let directions = [head.prototypes, head.bottleneck_width];
        list.add(&format!("{HEAD}last_layer.weight_v"), &directions);
    }
}

/// Parameters while they are listed.
#[derive(Default)]
struct List(Vec<Parameter>);

impl List {
    fn add(&mut self, name: &str, shape: &[usize]) {
        self.0.push(Parameter {
            name: name.to_owned(),
            shape: shape.to_vec(),
            learns: true,
        });
    }

    /// A linear layer from so many inputs to so many outputs.
    fn linear(&mut self, name: &str, [inputs, outputs]: [usize; 2]) {
        self.add(&format!("{name}.weight"), &[outputs, inputs]);
        self.add(&format!("{name}.bias"), &[outputs]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width]);
        self.add(&format!("{name}.bias"), &[width]);
    }

    fn buffer(&mut self, name: &str, width: usize) {
        self.0.push(Parameter {
            name: name.to_owned(),
            shape: vec![width],
            learns: false,
        });
    }
}
