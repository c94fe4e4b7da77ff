//! Which tasks of a batch are new, and what is written of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::tasks::Row;
use super::super::timestamp::At;
use super::sql::Arrival;
use super::{Incoming, Landed, Origin};
use crate::clock::Timestamp;
use crate::task::{Description, TaskId, fold};

/// What is known of the ids of a batch, and what becomes of it.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    incoming: &'a [Incoming],
    /// Which task a foreign id has become.
    became: HashMap<String, i64>,
    /// Whose task it is that has an id, and since when.
    there: HashMap<i64, (String, Timestamp)>,
    landed: Vec<Landed>,
    /// The places in `incoming` of those that are new.
    new: Vec<usize>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(incoming: &'a [Incoming]) -> Self {
        Self { incoming, became: HashMap::new(), there: HashMap::new(), landed: Vec::new(), new: Vec::new() }
    }

    /// The ids that are not kept.
    pub(super) fn foreign(&self) -> Vec<&'a str> {
        let foreign = |task: &'a Incoming| match &task.origin {
            Origin::Foreign(id) => Some(id.as_str()),
            Origin::Kept(_) => None,
        };
        self.incoming.iter().filter_map(foreign).collect()
    }

    /// Takes what foreign ids have become; answers which tasks to look for.
    pub(super) fn wanted(&mut self, became: Vec<(String, i64)>) -> Vec<i64> {
        self.became = became.into_iter().collect();
        let kept = |task: &Incoming| match task.origin {
            Origin::Kept(id) => Some(id.0),
            Origin::Foreign(_) => None,
        };
        self.became.values().copied().chain(self.incoming.iter().filter_map(kept)).collect()
    }

    /// How many ids are to be given out.
    pub(super) fn missing(&self) -> usize {
        let missing: HashSet<&str> = self.foreign().into_iter().filter(|id| !self.became.contains_key(*id)).collect();
        missing.len()
    }

    /// Takes the tasks that were looked for and the ids for those that have none.
    pub(super) fn settle(&mut self, there: Vec<(i64, String, At)>, ids: Vec<i64>) {
        self.there = there.into_iter().map(|(id, user, at)| (id, (user, at.0))).collect();
        let mut ids = ids.into_iter();
        for (place, task) in self.incoming.iter().enumerate() {
            let known = match &task.origin {
                Origin::Kept(id) => Some(id.0),
                Origin::Foreign(id) => self.became.get(id).copied(),
            };
            let is_mapped = matches!(task.origin, Origin::Foreign(_)) && known.is_some();
            let landed = match known.and_then(|id| Some((id, self.there.get(&id)?))) {
                Some((id, (user, at))) if user == task.user.as_str() && *at == task.created_at => {
                    Landed::There(TaskId(id))
                }
                Some(_) => Landed::Taken,
                // It was imported, and deleted for good since.
                None if is_mapped => Landed::There(TaskId(known.unwrap_or_default())),
                None => match known.or_else(|| ids.next()) {
                    Some(id) => self.make(place, id),
                    None => Landed::Taken,
                },
            };
            self.landed.push(landed);
        }
    }

    fn make(&mut self, place: usize, id: i64) -> Landed {
        let task = &self.incoming[place];
        if let Origin::Foreign(foreign) = &task.origin {
            self.became.insert(foreign.clone(), id);
        }
        self.there.insert(id, (task.user.as_str().to_owned(), task.created_at));
        self.new.push(place);
        Landed::New(TaskId(id))
    }

    /// How many tasks are new, for each owner who has any.
    pub(super) fn owners(&self, now: Timestamp) -> Vec<(String, i64, i64)> {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for place in &self.new {
            *counts.entry(self.incoming[*place].user.as_str()).or_default() += 1;
        }
        counts.into_iter().map(|(user, count)| (user.to_owned(), now.as_micros() + count - 1, count)).collect()
    }

    /// What is written of the new tasks, once it is known where their owners stand after it.
    pub(super) fn arrivals(&self, owners: &[(String, i64, i64)], raised: Vec<(String, i64)>) -> Vec<Arrival> {
        let counts: HashMap<&str, i64> = owners.iter().map(|(user, _, count)| (user.as_str(), *count)).collect();
        let mut next: HashMap<String, i64> = raised
            .into_iter()
            .map(|(user, last)| {
                let first = last - counts.get(user.as_str()).copied().unwrap_or(1) + 1;
                (user, first)
            })
            .collect();
        let new = self.new.iter().filter_map(|place| match self.landed[*place] {
            Landed::New(id) => Some((&self.incoming[*place], id)),
            Landed::There(_) | Landed::Taken => None,
        });
        new.map(|(task, id)| {
            let revision = next.entry(task.user.as_str().to_owned()).or_default();
            let arrival = arrival(task, id, *revision);
            *revision += 1;
            arrival
        })
        .collect()
    }

    /// Which tasks foreign ids become now.
    pub(super) fn becoming(&self) -> Vec<(&'a str, i64)> {
        let becoming = |place: &usize| match (&self.incoming[*place].origin, self.landed[*place]) {
            (Origin::Foreign(foreign), Landed::New(id)) => Some((foreign.as_str(), id.0)),
            _ => None,
        };
        self.new.iter().filter_map(becoming).collect()
    }

    pub(super) fn into_landed(self) -> Vec<Landed> {
        self.landed
    }
}

fn arrival(task: &Incoming, id: TaskId, revision: i64) -> Arrival {
    let description = task.description.as_ref().map(Description::as_str);
    Arrival {
        user: task.user.as_str().to_owned(),
        row: Row {
            id: id.0,
            title: task.title.as_str().to_owned(),
            description: description.map(str::to_owned),
            completed: task.completed,
            created_at: At(task.created_at),
            updated_at: At(task.updated_at),
            revision,
        },
        title_folded: fold(task.title.as_str()),
        description_folded: description.map(fold),
    }
}
