/**
 * For statements that count what may be a lot: the cost that the planner puts on them must not set off the JIT compiler, which takes
 * longer than they do, and for each of them anew.
 *
 * @internal
 */
export const COUNTING = { jit: 'off' };

/**
 * For statements that look rows up by their keys. Hooks run under these as well, so there are no more than it takes.
 *
 * @internal
 */
export const BY_KEY = { ...COUNTING, enable_seqscan: 'off' };

/**
 * For statements that go through due rows by index or by place, some at a time. A plan that reads a whole table, or sorts all that is
 * left of its due rows for each batch, is never wanted, although statistics that know of few due rows make the planner think so; and
 * rows that several workers read come in no order.
 *
 * @internal
 */
export const IN_ORDER = {
  ...BY_KEY,
  enable_tidscan: 'on',
  enable_sort: 'off',
  max_parallel_workers_per_gather: '0',
};
