//! [`Events`]: what shims tell, written down as a trace.

use super::plan::{Point, Role};
use crate::canonical::{CoreVal, Event, EventCode};
use crate::error::Result;
use crate::explore::{Happening, Lane, Trace, What, shown_event, shown_result};
use crate::val::Val;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmparser::ValType;

/// A function that is wrapped, and the component it is of.
struct Known {
    component: Arc<str>,
    point: Point,
}

/// Everything that shims have told.
pub(super) struct Events {
    points: Vec<Known>,
    trace: Trace,
    step: u64,
    /// The lane of each task; tasks count from 1. The first is for what is called outside of any.
    tasks: Vec<usize>,
    /// For each component and value of a context slot, the task that keeps it there.
    contexts: BTreeMap<(Arc<str>, u64), u32>,
}

impl Default for Events {
    fn default() -> Events {
        let scheduler = Lane {
            instance: None,
            name: "scheduler".to_owned(),
        };
        Events {
            points: Vec::new(),
            trace: Trace {
                lanes: vec![scheduler],
                happenings: Vec::new(),
            },
            step: 0,
            tasks: vec![0],
            contexts: BTreeMap::new(),
        }
    }
}

impl Events {
    /// How many functions are wrapped so far.
    pub(super) fn points(&self) -> u32 {
        self.points.len() as u32
    }

    /// More of them, of a component.
    pub(super) fn know(&mut self, component: &str, points: Vec<Point>) {
        let component: Arc<str> = component.into();
        let known = points.into_iter().map(|point| Known {
            component: component.clone(),
            point,
        });
        self.points.extend(known);
    }

    pub(super) fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// Takes in an event, and answers which task it is of.
    ///
    /// # Errors
    /// When it is none that a shim tells of.
    pub(super) fn take_in(&mut self, values: &[Val]) -> Result<Val> {
        let [
            Val::U32(point),
            Val::U32(phase),
            Val::U32(task),
            Val::U32(count),
            values @ ..,
        ] = values
        else {
            bail!("an event of a recording has other values");
        };
        let values = values.iter().take(*count as usize).map(|value| match value {
            Val::U64(value) => *value,
            _ => 0,
        });
        let values: Vec<u64> = values.collect();
        let known = self
            .points
            .get(*point as usize)
            .context("the shim is of another recording")?;
        let (component, point) = (known.component.clone(), known.point.clone());
        let task = match (point.role, phase) {
            (Role::Import, 0) => self.call(*task, &point, &values),
            (Role::Import, _) => self.returned(*task, &point, &values),
            (Role::Callback, 0) => self.callback(&component, &values),
            (_, 0) => self.start(&component, &point),
            (role, _) => self.end_of_turn(*task, role, &component, &values),
        };
        Ok(Val::U32(task))
    }

    fn write(&mut self, task: u32, what: What) -> u32 {
        let lane = self.tasks.get(task as usize).copied().unwrap_or(0);
        self.trace.happenings.push(Happening {
            step: self.step,
            time: 0,
            lane,
            what,
        });
        task
    }

    fn start(&mut self, component: &Arc<str>, point: &Point) -> u32 {
        let task = self.tasks.len() as u32;
        self.tasks.push(self.trace.lanes.len());
        self.trace.lanes.push(Lane {
            instance: Some(component.to_string()),
            name: format!("task {task} of `{}`", point.name),
        });
        self.step += 1;
        self.write(task, What::Run { cancelled: false })
    }

    fn callback(&mut self, component: &Arc<str>, values: &[u64]) -> u32 {
        let [context, code, p1, p2] = [0, 1, 2, 3].map(|index| values.get(index).copied().unwrap_or(0));
        let task = self.contexts.get(&(component.clone(), context)).copied().unwrap_or(0);
        self.step += 1;
        self.write(task, What::Run { cancelled: false });
        let event = match event_code(code) {
            Some(code) => shown_event(Event {
                code,
                p1: p1 as u32,
                p2: p2 as u32,
            }),
            None => format!("of the unknown code {code}"),
        };
        self.write(task, What::Callback(event))
    }

    /// The task returns to the host: for now, or for good.
    fn end_of_turn(&mut self, task: u32, role: Role, component: &Arc<str>, values: &[u64]) -> u32 {
        const EXIT: u64 = 0;
        let context = values.first().map(|context| (component.clone(), *context));
        let code = values.get(1).copied().unwrap_or(EXIT) & 0xf;
        if role == Role::Plain || code == EXIT {
            self.contexts.retain(|_, of| *of != task);
            return self.write(task, What::Exited);
        }
        if let Some(context) = context {
            self.contexts.insert(context, task);
        }
        task
    }

    fn call(&mut self, task: u32, point: &Point, values: &[u64]) -> u32 {
        let args = point.params.iter().zip(values);
        let mut args: Vec<String> = args.map(|(ty, value)| core_value(*ty, *value).to_string()).collect();
        if args.len() < point.params.len() {
            args.push("…".to_owned());
        }
        let name = point.name.clone();
        self.write(task, What::Call { name, args })
    }

    fn returned(&mut self, task: u32, point: &Point, values: &[u64]) -> u32 {
        let result = point.results.first().zip(values.first());
        let result = result.map(|(ty, value)| shown_result(&point.name, &core_value(*ty, *value)));
        if point.name == "task.return" || point.name == "task.cancel" {
            let cancelled = point.name == "task.cancel";
            self.write(task, What::Resolved { cancelled });
        }
        let name = point.name.clone();
        self.write(task, What::Return { name, result })
    }
}

fn core_value(ty: ValType, value: u64) -> CoreVal {
    match ty {
        ValType::I64 => CoreVal::I64(value as i64),
        ValType::F32 => CoreVal::F32(f32::from_bits(value as u32)),
        ValType::F64 => CoreVal::F64(f64::from_bits(value)),
        _ => CoreVal::I32(value as i32),
    }
}

fn event_code(code: u64) -> Option<EventCode> {
    Some(match code {
        0 => EventCode::None,
        1 => EventCode::Subtask,
        2 => EventCode::StreamRead,
        3 => EventCode::StreamWrite,
        4 => EventCode::FutureRead,
        5 => EventCode::FutureWrite,
        6 => EventCode::TaskCancelled,
        _ => return None,
    })
}
