//! Threads for what takes time or waits for a disk, each with a tool of its own.
//!
//! The runtime has threads for that as well, a new one whenever all are busy, and they take turns: what one has worked with is cold
//! when the next begins, and its memory stays. A crew has as many as there is work for at a time, and each works with what is
//! its own: a connection to the database, a sheet to draw on.

use std::{
    collections::VecDeque,
    fmt, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::spawn_blocking,
};

/// Something to do with a tool.
type Work<T> = Box<dyn FnOnce(&mut T) + Send>;

/// There is no answer: the work panicked, which is in the log, or the crew has gone home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was not done")]
pub(crate) struct NotDone;

/// Threads that work. When nobody holds the crew any more, they end once they have done what waits.
pub(crate) struct Crew<T> {
    /// As many as there are tools. A turn ends when its work has, whoever waits for that; so no more waits than there are.
    turns: Arc<Semaphore>,
    waiting: Arc<Waiting<T>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Somebody of the crew is free, or as good as.
pub(crate) struct Turn<'c, T> {
    crew: &'c Crew<T>,
    permit: OwnedSemaphorePermit,
}

/// What is to be done.
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
        let crew = Self { turns: Arc::new(Semaphore::new(0)), waiting, threads: Mutex::default() };
        for tool in tools {
            let waiting = Arc::clone(&crew.waiting);
            let thread =
                thread::Builder::new().name(name.to_owned()).spawn(move || waiting.work_with(tool))?;
            lock(&crew.threads).push(thread);
            crew.turns.add_permits(1);
        }
        Ok(crew)
    }

    /// Waits for a turn; who asks first has it first.
    pub(crate) async fn turn(&self) -> Result<Turn<'_, T>, NotDone> {
        let permit = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| NotDone)?;
        Ok(Turn { crew: self, permit })
    }

    /// What `work` says when it has had its turn.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, NotDone> {
        self.turn().await?.ask(work).await
    }

    /// Waits until what has its turn is done and the tools are put away. Whoever waits for a turn gets none.
    pub(crate) async fn go_home(&self) {
        self.turns.close();
        self.waiting.close();
        let threads = mem::take(&mut *lock(&self.threads));
        let join = |thread: JoinHandle<()>| {
            // A tool that panics when it is put away says so in the log.
            let _panicked = thread.join();
        };
        // An error: the runtime goes down, and does not wait.
        let _ended = spawn_blocking(move || threads.into_iter().for_each(join)).await;
    }
}

impl<T: Send + 'static> Turn<'_, T> {
    /// What `work` says. It is not begun where nobody waits for it any more, and goes on where nobody waits for it since.
    pub(crate) async fn ask<R: Send + 'static>(
        self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, NotDone> {
        let Self { crew, permit } = self;
        let (reply, answer) = oneshot::channel();
        let work = move |tool: &mut T| {
            let _ends_with_the_work = permit;
            if !reply.is_closed() {
                let _gone = reply.send(work(tool));
            }
        };
        {
            let mut works = lock(&crew.waiting.works);
            if !works.is_open {
                return Err(NotDone);
            }
            works.queue.push_back(Box::new(work));
        }
        crew.waiting.changed.notify_one();
        answer.await.map_err(|_| NotDone)
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
    use std::{collections::HashSet, future::poll_fn, pin::pin, sync::Barrier, task::Poll};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn each_works_with_its_own_and_all_at_a_time() {
        let crew = Crew::new("test", [1, 2, 3]).unwrap();
        let all_there = Arc::new(Barrier::new(3));
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

    /// Work that has begun and goes on until the second says so.
    fn busy(crew: &Crew<i32>) -> (impl Future<Output = Result<(), NotDone>>, Arc<Notify>, Arc<Barrier>) {
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Barrier::new(2)));
        let (its_begun, its_end) = (Arc::clone(&begun), Arc::clone(&end));
        let work = move |tool: &mut i32| {
            its_begun.notify_one();
            its_end.wait();
            *tool += 1;
        };
        (crew.ask(work), begun, end)
    }

    #[tokio::test]
    async fn a_turn_ends_with_its_work_and_not_with_who_waits_for_it() {
        let crew = Crew::new("test", [0]).unwrap();
        let (left, begun, end) = busy(&crew);
        tokio::select! {
            _ = left => unreachable!("it goes on"),
            () = begun.notified() => {}
        }
        assert_eq!(crew.turns.available_permits(), 0);
        end.wait();
        assert_eq!(crew.ask(|tool| *tool).await, Ok(1));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let crew = Crew::new("test", [0]).unwrap();
        // As if there were two, so that one has its turn while the only one is busy.
        crew.turns.add_permits(1);
        let (first, begun, end) = busy(&crew);
        let mut first = pin!(first);
        tokio::select! {
            _ = &mut first => unreachable!("it goes on"),
            () = begun.notified() => {}
        }
        {
            let mut left = pin!(crew.ask(|tool: &mut i32| *tool += 10));
            let polled = poll_fn(|cx| Poll::Ready(left.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
        }
        end.wait();
        first.await.unwrap();
        assert_eq!(crew.ask(|tool| *tool).await, Ok(1));
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
        let too_late = crew.ask(|tool: &mut Tool| lock(&tool.0).push("too late"));
        let (asked, too_late, ()) = tokio::join!(biased; asked, too_late, crew.go_home());
        assert_eq!((asked, too_late), (Ok(()), Err(NotDone)), "there is one turn");
        assert_eq!(*lock(&said), ["done", "put away"]);
        assert_eq!(crew.ask(|_| ()).await, Err(NotDone));
    }
}
