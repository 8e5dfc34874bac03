//! Several pieces of work beside each other.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A piece of work at rest. Boxed, since eight large ones in one future would weigh on the stack of whoever polls it.
pub(crate) type Work<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

/// Does the work of each item, eight at a time, and returns the results in the order of the items. After a result for
/// which `ends` holds nothing more is begun: the items behind have no result.
///
/// Commits that wait together share a sync; eight keep the store busy and leave room for others.
pub(crate) async fn abreast<'a, T, R>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> Work<'a, R>,
    ends: impl Fn(&R) -> bool,
) -> Vec<R> {
    let waiting = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    let worker = async || {
        while let Some((place, item)) = next(&waiting) {
            let result = work(item).await;
            if ends(&result) {
                lock(&waiting).by_ref().for_each(drop);
            }
            lock(&done).push((place, result));
        }
    };
    tokio::join!(
        worker(),
        worker(),
        worker(),
        worker(),
        worker(),
        worker(),
        worker(),
        worker()
    );
    let mut done = std::mem::take(&mut *lock(&done));
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn next<T>(waiting: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    lock(waiting).next()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_the_items() {
        // The earlier an item, the longer its work.
        let work = |number: usize| -> Work<'_, usize> {
            Box::pin(async move {
                for _ in number..20 {
                    tokio::task::yield_now().await;
                }
                number
            })
        };
        let results = abreast(0..20, work, |_| false).await;
        assert_eq!(results, (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn eight_are_at_work_at_a_time() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |_: usize| -> Work<'_, ()> {
            Box::pin(async {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::Relaxed);
            })
        };
        abreast(0..50, work, |()| false).await;
        assert_eq!(most.load(Ordering::Relaxed), 8);
    }

    #[tokio::test]
    async fn nothing_is_begun_after_an_end() {
        let work = |number: usize| -> Work<'_, usize> { Box::pin(async move { number }) };
        let results = abreast(0..50, work, |number| *number == 3).await;
        assert_eq!(results, [0, 1, 2, 3]);
    }
}
