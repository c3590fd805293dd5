//! A worker thread of a proxy. It runs the test's closures one at a time.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::{Shared, Vm};

type Work = Box<dyn FnOnce(&mut Vm) + Send>;

/// A thread with a virtual machine of its own. Several of them share one proxy, and the test decides whose turn it is.
pub(crate) struct Worker(Sender<Work>);

impl Worker {
    /// Starts one more worker of a proxy.
    pub(crate) fn start(shared: &Shared) -> Self {
        let (sender, receiver) = channel::<Work>();
        let shared = shared.clone();
        thread::spawn(move || {
            let mut vm = Vm::start_in(shared);
            receiver.into_iter().for_each(|work| work(&mut vm));
        });
        Self(sender)
    }

    /// Runs this on the worker's thread and waits for it; panics if the worker has panicked, now or earlier. A stream
    /// that it returns has to end in another call of `run`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vm) -> T + Send + 'static,
    ) -> T {
        let (sender, receiver) = channel();
        let work = move |vm: &mut Vm| drop(sender.send(work(vm)));
        self.0.send(Box::new(work)).unwrap();
        receiver.recv().unwrap()
    }
}
