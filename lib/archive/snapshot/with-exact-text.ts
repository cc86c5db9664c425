import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';

/** Settings of a session on which the text of a value depends, each with the value under which it is exact. */
const PINNED = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
} as const;

type Setting = keyof typeof PINNED;

/** Those that say how text is read as well, so that a condition may mean something else under another value. */
const READING: readonly Setting[] = ['DateStyle', 'IntervalStyle', 'TimeZone', 'xmloption'];

/**
 * Runs statements in which the text of every value can be read back to the same value, and is the same in every session. What the
 * caller's transaction had set holds again afterwards.
 *
 * @internal
 */
export async function withExactText<Result>(
  em: EntityManager,
  ctx: Transaction,
  work: () => Promise<Result>,
): Promise<Result> {
  return pinned(em, ctx, Object.keys(PINNED) as Setting[], work);
}

/**
 * The same for statements with a condition of the caller's, which means what it means in the caller's session. The text of times with a
 * time zone can be read back to the same value, but is not the same in every session.
 *
 * @returns nothing, without a try, where the session prints dates or intervals so that they could not be read back
 * @internal
 */
export async function withExactOutput<Result>(
  em: EntityManager,
  ctx: Transaction,
  work: (timeZone: string) => Promise<Result>,
): Promise<Result | undefined> {
  const settings = (Object.keys(PINNED) as Setting[]).filter((name) => !READING.includes(name));
  const [session] = await execute<{ zone: string; exact: boolean }>(
    em,
    ctx,
    `select current_setting('TimeZone') as zone, ` +
      `current_setting('DateStyle') like 'ISO%' and current_setting('IntervalStyle') = 'postgres' as exact`,
  );
  return session!.exact ? pinned(em, ctx, settings, () => work(session!.zone)) : undefined;
}

async function pinned<Result>(
  em: EntityManager,
  ctx: Transaction,
  names: readonly Setting[],
  work: () => Promise<Result>,
): Promise<Result> {
  const [before] = await execute<Record<string, string>>(
    em,
    ctx,
    `with before as materialized (select ${names.map((name) => `current_setting('${name}') as "${name}"`).join(', ')}) ` +
      `select before.*, ${names.map((name) => `set_config('${name}', '${PINNED[name]}', true)`).join(', ')} from before`,
  );
  const result = await work();
  const changed = names.filter((name) => before![name] !== PINNED[name]);
  if (changed.length > 0) {
    // An error ends the transaction or savepoint, and the settings with it.
    await execute(
      em,
      ctx,
      `select ${changed.map((name) => `set_config('${name}', ?, true)`).join(', ')}`,
      changed.map((name) => before![name]),
    );
  }
  return result;
}
