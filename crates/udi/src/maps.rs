//! Sparse sampling maps of a batch, prepared on the host: what is gathered, what is valid, what is pooled.

use tch::{Device, TchError, Tensor};

use crate::{
    batch::{BatchShape, expect_length},
    error::{UdiError, expect},
    sampling::Samples,
    transfer::to_device,
};

/// Target samples: four bilinear neighbours on the target crop's token grid.
#[derive(Debug, Clone, Copy)]
pub struct TargetSamples<'a> {
    /// `[pairs, B, s, 4]`, each in [0, N).
    pub tokens: &'a [i32],
    /// `[pairs, B, s, 4]`; 0 in rows without a sample.
    pub weights: &'a [f32],
}

/// Sparse sampling maps of a batch (spec/method.md section 3).
#[derive(Debug, Clone, Copy)]
pub struct SamplingMaps<'a> {
    /// `[2, B, s_g]`: pairs (g1 -> g2), (g2 -> g1); token in the student's crop, -1: no sample.
    pub global_source: &'a [i32],
    /// `[2, B, s_g, 4]`, the same pairs.
    pub global_target: TargetSamples<'a>,
    /// `[2 L, B, s_l, 4]`: for each local crop l the pairs (l -> g2), (l -> g1).
    pub local_target: TargetSamples<'a>,
}

/// Maps as the networks read them. Rows R = 2 B of both networks are pairs (g1 -> g2) of all images, then (g2 -> g1):
/// the student's row holds the pair's source crop, the teacher's its target crop.
#[derive(Debug)]
pub(crate) struct Maps {
    source: Gather,
    target: Gather,
    /// Rows of the student's samples, flattened `[R * s_g]`, that are valid.
    valid: Tensor,
    /// Rows of the teacher's samples, flattened `[R * (s_g + L s_l)]`, that are read at all.
    read: Tensor,
    /// Places of the valid samples among those read.
    valid_among_read: Tensor,
    pooling: Pooling,
}

/// Which tokens make each sample.
#[derive(Debug)]
struct Gather {
    places: Tensor,
    weights: Option<Tensor>,
    count: i64,
}

/// How the samples read by the teacher are averaged.
#[derive(Debug)]
struct Pooling {
    /// Place in the flattened `[1 + L, R]` groups: global, then each local crop.
    group: Tensor,
    /// Mass of the sample divided by the mass of its group.
    share: Tensor,
    /// Mass of the sample divided by the mass of the whole batch; None: the batch holds no sample.
    batch_share: Option<Tensor>,
    groups: i64,
}

/// Averages of the teacher's samples.
#[derive(Debug)]
pub(crate) struct Pooled {
    /// Mean of each group, `[1 + L, R, K]`; 0 where a group holds no sample.
    pub groups: Tensor,
    /// Mean of the whole batch, `[K]`; None: the batch holds no sample.
    pub batch: Option<Tensor>,
}

/// Added to the mass of a group by the reference, so that an empty one gives 0.
const EMPTY_MASS: f32 = 1e-5;

impl Maps {
    pub fn new(shape: BatchShape, patch_size: i64, maps: &SamplingMaps) -> Result<Self, UdiError> {
        let tokens = (shape.global_size / patch_size).pow(2);
        let rows = 2 * shape.images;
        let global = samples_of("maps.globalSource", maps.global_source.len(), rows)?;
        let local_rows = rows * shape.local_crops;
        let local = match local_rows {
            0 => 0,
            _ => samples_of(
                "maps.localTarget.tokens",
                maps.local_target.tokens.len() / 4,
                local_rows,
            )?,
        };
        check_range("maps.globalSource", maps.global_source, -1, tokens)?;
        let pairs = [2, shape.images, global, 4];
        check_target("maps.globalTarget", &maps.global_target, &pairs, tokens)?;
        let pairs = [2 * shape.local_crops, shape.images, local, 4];
        check_target("maps.localTarget", &maps.local_target, &pairs, tokens)?;
        let layout = Layout {
            rows,
            tokens,
            crops: shape.local_crops,
            global,
            local,
        };
        Ok(layout.prepare(maps))
    }

    /// The same on the device.
    pub fn on(&self, device: Device) -> Result<Self, TchError> {
        let send = |tensor: &Tensor| to_device(tensor, device);
        Ok(Self {
            source: self.source.sent(device)?,
            target: self.target.sent(device)?,
            valid: send(&self.valid)?,
            read: send(&self.read)?,
            valid_among_read: send(&self.valid_among_read)?,
            pooling: Pooling {
                group: send(&self.pooling.group)?,
                share: send(&self.pooling.share)?,
                batch_share: self.pooling.batch_share.as_ref().map(send).transpose()?,
                groups: self.pooling.groups,
            },
        })
    }

    /// Samples of the student's crops, `[R, s_g]`.
    pub fn source(&self, device: Device) -> Samples {
        self.source.on(device)
    }

    /// Samples of the teacher's crops, `[R, s_g + L s_l]`.
    pub fn target(&self, device: Device) -> Samples {
        self.target.on(device)
    }

    /// Valid samples V.
    pub fn valid_count(&self) -> i64 {
        self.valid.size()[0]
    }

    /// The student's samples `[R, s_g, C]` -> those valid `[V, C]`.
    pub fn valid(&self, samples: &Tensor) -> Tensor {
        select_rows(&samples.flatten(0, 1), &self.valid)
    }

    /// The teacher's samples `[R, s_g + L s_l, C]` -> those read `[E, C]`.
    pub fn read(&self, samples: &Tensor) -> Tensor {
        select_rows(&samples.flatten(0, 1), &self.read)
    }

    /// Of those read `[E, K]`, the ones that valid samples are compared with `[V, K]`, in the order of [`Self::valid`].
    pub fn valid_among_read(&self, read: &Tensor) -> Tensor {
        select_rows(read, &self.valid_among_read)
    }

    /// Averages of vectors of those read, `[E, K]`.
    pub fn pool(&self, read: &Tensor) -> Pooled {
        self.pooling.apply(read)
    }
}

fn select_rows(rows: &Tensor, places: &Tensor) -> Tensor {
    rows.index_select(0, &places.to_device(rows.device()))
}

impl Gather {
    fn sent(&self, device: Device) -> Result<Self, TchError> {
        let weights = self.weights.as_ref();
        Ok(Self {
            places: to_device(&self.places, device)?,
            weights: weights
                .map(|weights| to_device(weights, device))
                .transpose()?,
            count: self.count,
        })
    }

    fn on(&self, device: Device) -> Samples {
        Samples {
            places: self.places.to_device(device),
            weights: self
                .weights
                .as_ref()
                .map(|weights| weights.to_device(device)),
            count: self.count,
        }
    }
}

impl Pooling {
    fn apply(&self, read: &Tensor) -> Pooled {
        let (device, width) = (read.device(), read.size()[1]);
        let weighted = |share: &Tensor| read * share.to_device(device).unsqueeze(-1);
        let mut groups = Tensor::zeros([self.groups, width], (read.kind(), device));
        let _ = groups.index_add_(0, &self.group.to_device(device), &weighted(&self.share));
        let whole = |share| weighted(share).sum_dim_intlist(0, false, read.kind());
        Pooled {
            groups,
            batch: self.batch_share.as_ref().map(whole),
        }
    }
}

/// Numbers that place a sample.
#[derive(Debug, Clone, Copy)]
struct Layout {
    rows: i64,
    tokens: i64,
    crops: i64,
    global: i64,
    local: i64,
}

impl Layout {
    /// Samples of one row of the teacher.
    fn samples(self) -> i64 {
        self.global + self.crops * self.local
    }

    /// Group of each sample of a row, and its place in the caller's array of that part.
    fn sample(self, row: i64, sample: i64) -> (i64, usize) {
        if sample < self.global {
            return (0, (row * self.global + sample) as usize);
        }
        let (crop, local) = (
            (sample - self.global) / self.local,
            (sample - self.global) % self.local,
        );
        let pair = crop * self.rows + row;
        (1 + crop, (pair * self.local + local) as usize)
    }

    fn prepare(self, maps: &SamplingMaps) -> Maps {
        let valid: Vec<i64> = (0i64..)
            .zip(maps.global_source)
            .filter_map(|(place, &token)| (token >= 0).then_some(place))
            .collect();
        let target = self.target(maps);
        let read = self.read(maps, &target);
        let place = |valid: i64| self.samples() * (valid / self.global) + valid % self.global;
        // Both lists rise, and all that is valid is read.
        let among = |valid: &i64| read.partition_point(|&row| row < place(*valid)) as i64;
        let valid_among_read: Vec<i64> = valid.iter().map(among).collect();
        Maps {
            source: self.source(maps.global_source),
            pooling: self.pooling(&read, &target.mass),
            target: target.gather(self.rows, self.samples()),
            valid: Tensor::from_slice(&valid),
            read: Tensor::from_slice(&read),
            valid_among_read: Tensor::from_slice(&valid_among_read),
        }
    }

    fn source(self, tokens: &[i32]) -> Gather {
        let place = |(sample, &token): (i64, &i32)| {
            sample / self.global * self.tokens + i64::from(token.max(0))
        };
        let places: Vec<i64> = (0i64..).zip(tokens).map(place).collect();
        Gather {
            places: Tensor::from_slice(&places),
            weights: None,
            count: self.global,
        }
    }

    /// All samples of each row of the teacher, one after the other.
    fn target(self, maps: &SamplingMaps) -> Target {
        let mut target = Target::default();
        for row in 0..self.rows {
            for sample in 0..self.samples() {
                let (group, index) = self.sample(row, sample);
                let part = match group {
                    0 => &maps.global_target,
                    _ => &maps.local_target,
                };
                let four = 4 * index..4 * index + 4;
                let place = |&token: &i32| row * self.tokens + i64::from(token);
                target
                    .places
                    .extend(part.tokens[four.clone()].iter().map(place));
                target.weights.extend(&part.weights[four.clone()]);
                target.mass.push(part.weights[four].iter().sum());
            }
        }
        target
    }

    /// Samples with mass, and those that the student compares itself with.
    fn read(self, maps: &SamplingMaps, target: &Target) -> Vec<i64> {
        let is_read = |&place: &i64| {
            let (group, index) = self.sample(place / self.samples(), place % self.samples());
            target.mass[place as usize] > 0.0 || (group == 0 && maps.global_source[index] >= 0)
        };
        (0..self.rows * self.samples()).filter(is_read).collect()
    }

    fn pooling(self, read: &[i64], mass: &[f32]) -> Pooling {
        let groups = (1 + self.crops) * self.rows;
        let group = |place: i64| {
            let row = place / self.samples();
            self.sample(row, place % self.samples()).0 * self.rows + row
        };
        let mut sums = vec![0f32; groups as usize];
        for &place in read {
            sums[group(place) as usize] += mass[place as usize];
        }
        let total: f64 = sums.iter().copied().map(f64::from).sum();
        let share =
            |&place: &i64| mass[place as usize] / (sums[group(place) as usize] + EMPTY_MASS);
        let batch_share = |&place: &i64| (f64::from(mass[place as usize]) / total) as f32;
        let collect =
            |of: &dyn Fn(&i64) -> f32| Tensor::from_slice(&read.iter().map(of).collect::<Vec<_>>());
        Pooling {
            group: Tensor::from_slice(&read.iter().map(|&place| group(place)).collect::<Vec<_>>()),
            share: collect(&share),
            batch_share: (total > 0.0).then(|| collect(&batch_share)),
            groups,
        }
    }
}

#[derive(Debug, Default)]
struct Target {
    places: Vec<i64>,
    weights: Vec<f32>,
    mass: Vec<f32>,
}

impl Target {
    fn gather(self, rows: i64, samples: i64) -> Gather {
        Gather {
            places: Tensor::from_slice(&self.places),
            weights: Some(Tensor::from_slice(&self.weights).view([rows, samples, 4])),
            count: samples,
        }
    }
}

/// Samples a row of an array that holds `rows` rows of them.
fn samples_of(field: &str, length: usize, rows: i64) -> Result<i64, UdiError> {
    let rows = rows as usize;
    let fits = length > 0 && length.is_multiple_of(rows);
    let multiple =
        || format!("a number of samples that is a multiple of {rows} rows, at least one each");
    expect(fits, field, multiple, length)?;
    Ok((length / rows) as i64)
}

fn check_range(field: &str, tokens: &[i32], low: i32, count: i64) -> Result<(), UdiError> {
    let range = i64::from(low)..count;
    match tokens
        .iter()
        .position(|&token| !range.contains(&i64::from(token)))
    {
        None => Ok(()),
        Some(place) => Err(UdiError::argument(
            format!("{field}[{place}]"),
            format!("a token from {low} to {}", count - 1),
            tokens[place],
        )),
    }
}

fn check_target(
    field: &str,
    target: &TargetSamples,
    shape: &[i64],
    tokens: i64,
) -> Result<(), UdiError> {
    let (token_field, weight_field) = (format!("{field}.tokens"), format!("{field}.weights"));
    expect_length(&token_field, target.tokens.len(), shape)?;
    expect_length(&weight_field, target.weights.len(), shape)?;
    check_range(&token_field, target.tokens, 0, tokens)?;
    let range = 0.0..=1.0 + f32::EPSILON;
    match target
        .weights
        .iter()
        .position(|weight| !range.contains(weight))
    {
        None => Ok(()),
        Some(place) => Err(UdiError::argument(
            format!("{weight_field}[{place}]"),
            "a bilinear weight, from 0 to 1",
            target.weights[place],
        )),
    }
}
