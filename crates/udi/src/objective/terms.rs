//! Levels of representation, and the cross-entropy terms that their losses are made of.

/// A level of representation; each has its own centre, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The first class token.
    Cls,
    /// The second class token.
    ClsPlus,
    /// Sampled patches.
    Patch,
}

/// A cross-entropy between student and teacher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// `cls` of global views.
    GlobalCls,
    /// `cls+` of global views.
    GlobalClsPlus,
    /// Sampled patches of global views.
    GlobalPatch,
    /// `cls` of local views.
    LocalCls,
    /// `cls+` of local views.
    LocalClsPlus,
}

impl Level {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::ClsPlus => "clsPlus",
            Self::Patch => "patch",
        }
    }

    /// Terms of global and of local views.
    pub(crate) fn terms(self) -> (Term, Option<Term>) {
        match self {
            Self::Cls => (Term::GlobalCls, Some(Term::LocalCls)),
            Self::ClsPlus => (Term::GlobalClsPlus, Some(Term::LocalClsPlus)),
            Self::Patch => (Term::GlobalPatch, None),
        }
    }
}

impl Term {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::GlobalCls => "globalCls",
            Self::GlobalClsPlus => "globalClsPlus",
            Self::GlobalPatch => "globalPatch",
            Self::LocalCls => "localCls",
            Self::LocalClsPlus => "localClsPlus",
        }
    }
}

/// Loss of each level: the mean of its terms weighted by the number of views, 2 global and 2 L local.
pub(crate) fn level_losses(
    levels: &[Level],
    terms: &[(Term, f64)],
    crops: i64,
) -> Vec<(&'static str, f64)> {
    let value = |term: Term| {
        terms
            .iter()
            .find(|(other, _)| *other == term)
            .map(|(_, value)| *value)
    };
    let loss = |level: &Level| {
        let (global, local) = level.terms();
        let global = value(global).unwrap_or(0.0);
        let mixed = local
            .and_then(value)
            .map(|local| (global + crops as f64 * local) / (1 + crops) as f64);
        (level.name(), mixed.unwrap_or(global))
    };
    levels.iter().map(loss).collect()
}

/// Levels of a model, in the order of their centres.
pub(crate) fn levels(class_tokens: i64, include_patch: bool) -> Vec<Level> {
    let mut levels = vec![Level::Cls];
    if class_tokens == 2 && include_patch {
        levels.push(Level::ClsPlus);
    }
    if include_patch {
        levels.push(Level::Patch);
    }
    levels
}
