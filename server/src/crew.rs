//! Threads for what takes time or waits for a disk, each with a tool of its own.
//!
//! The runtime has threads for that as well, a new one whenever all are busy, and they take turns: what one has worked with is cold
//! when the next begins, and its memory stays. A crew has as many as there is work for at a time, and each works with what is
//! its own: a connection to the database, a sheet to draw on.

use std::{
    collections::VecDeque,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::{sync::oneshot, task::spawn_blocking};

/// Something to do with a tool.
type Work<T> = Box<dyn FnOnce(&mut T) + Send>;

/// There is no answer: the work panicked, which is in the log, or the crew has gone home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was not done")]
pub(crate) struct NotDone;

/// Threads that work. When nobody holds the crew any more, they end once they have done what waits.
pub(crate) struct Crew<T> {
    waiting: Arc<Waiting<T>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What is to be done. As many as wait for an answer, and how many may is for the crew's owner to say.
struct Waiting<T> {
    works: Mutex<Works<T>>,
    changed: Condvar,
}

struct Works<T> {
    queue: VecDeque<Work<T>>,
    is_open: bool,
}

impl<T: Send + 'static> Crew<T> {
    /// One thread for each of `tools`, called `name`.
    pub(crate) fn new(name: &str, tools: impl IntoIterator<Item = T>) -> io::Result<Self> {
        let works = Works { queue: VecDeque::new(), is_open: true };
        let waiting = Arc::new(Waiting { works: Mutex::new(works), changed: Condvar::new() });
        let crew = Self { waiting, threads: Mutex::default() };
        for tool in tools {
            let waiting = Arc::clone(&crew.waiting);
            let thread =
                thread::Builder::new().name(name.to_owned()).spawn(move || waiting.work_with(tool))?;
            lock(&crew.threads).push(thread);
        }
        Ok(crew)
    }

    /// What `work` says, done by whoever is free first. It is not begun where nobody waits for it any more, and goes on
    /// where nobody waits for it since.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, NotDone> {
        let (reply, answer) = oneshot::channel();
        let work = move |tool: &mut T| {
            if !reply.is_closed() {
                let _gone = reply.send(work(tool));
            }
        };
        {
            let mut works = lock(&self.waiting.works);
            if !works.is_open {
                return Err(NotDone);
            }
            works.queue.push_back(Box::new(work));
        }
        self.waiting.changed.notify_one();
        answer.await.map_err(|_| NotDone)
    }

    /// Waits until everything that waits is done and the tools are put away.
    pub(crate) async fn go_home(&self) {
        self.waiting.close();
        let threads = std::mem::take(&mut *lock(&self.threads));
        // An error: the runtime goes down, and does not wait.
        let _ended = spawn_blocking(move || threads.into_iter().try_for_each(JoinHandle::join)).await;
    }
}

impl<T> Drop for Crew<T> {
    fn drop(&mut self) {
        self.waiting.close();
    }
}

impl<T> fmt::Debug for Crew<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew")
            .field("waiting", &lock(&self.waiting.works).queue.len())
            .finish_non_exhaustive()
    }
}

impl<T> Waiting<T> {
    fn close(&self) {
        lock(&self.works).is_open = false;
        self.changed.notify_all();
    }

    fn work_with(&self, mut tool: T) {
        while let Some(work) = self.next() {
            // Whoever waits for it is told: its end of the channel is gone.
            let _panicked = catch_unwind(AssertUnwindSafe(|| work(&mut tool)));
        }
    }

    fn next(&self) -> Option<Work<T>> {
        let works = lock(&self.works);
        let idle = |works: &mut Works<T>| works.queue.is_empty() && works.is_open;
        let mut works = self.changed.wait_while(works, idle).unwrap_or_else(PoisonError::into_inner);
        works.queue.pop_front()
    }
}

/// Nothing that is done under these locks can panic half way.
fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, future::Future as _, pin::pin, task::Poll};

    use tokio::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn each_works_with_its_own_and_all_at_a_time() {
        let crew = Crew::new("test", [1, 2, 3]).unwrap();
        let all_there = Arc::new(std::sync::Barrier::new(3));
        let ask = || {
            let all_there = Arc::clone(&all_there);
            crew.ask(move |tool: &mut i32| {
                all_there.wait();
                *tool
            })
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!(HashSet::from([one.unwrap(), two.unwrap(), three.unwrap()]), HashSet::from([1, 2, 3]));
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_work_goes_on() {
        let crew = Crew::new("test", [()]).unwrap();
        assert_eq!(crew.ask(|()| panic!("as it may")).await, Err::<(), _>(NotDone));
        assert_eq!(crew.ask(|()| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let crew = Crew::new("test", [0]).unwrap();
        let (begun, wait) = (Arc::new(Barrier::new(2)), Arc::new(std::sync::Barrier::new(2)));
        let (its_begun, its_wait) = (Arc::clone(&begun), Arc::clone(&wait));
        let mut first = pin!(crew.ask(move |_: &mut i32| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(its_begun.wait());
            its_wait.wait();
        }));
        tokio::select! {
            _ = &mut first => unreachable!("it waits"),
            _ = begun.wait() => {}
        }
        {
            let mut left = pin!(crew.ask(|tool: &mut i32| *tool += 1));
            let polled = std::future::poll_fn(|cx| Poll::Ready(left.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
        }
        wait.wait();
        first.await.unwrap();
        assert_eq!(crew.ask(|tool| *tool).await, Ok(0));
    }

    #[tokio::test]
    async fn going_home_is_after_what_waits_and_before_what_comes() {
        struct Tool(Arc<Mutex<Vec<&'static str>>>);
        impl Drop for Tool {
            fn drop(&mut self) {
                lock(&self.0).push("put away");
            }
        }
        let said = Arc::new(Mutex::new(Vec::new()));
        let crew = Crew::new("test", [Tool(Arc::clone(&said))]).unwrap();
        let asked = crew.ask(|tool: &mut Tool| lock(&tool.0).push("done"));
        let (asked, ()) = tokio::join!(biased; asked, crew.go_home());
        assert_eq!(asked, Ok(()));
        assert_eq!(*lock(&said), ["done", "put away"]);
        assert_eq!(crew.ask(|_| ()).await, Err(NotDone));
    }
}
