import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from './transaction.js';

/** Settings of PostgreSQL by name. @internal */
export type SettingValues = Readonly<Record<string, string>>;

/**
 * Runs statements under settings of the transaction. What they were before holds again afterwards.
 *
 * @internal
 */
export async function withSettings<Result>(
  em: EntityManager,
  ctx: Transaction,
  settings: SettingValues,
  work: () => Promise<Result>,
): Promise<Result> {
  const names = Object.keys(settings);
  const [before] = await execute<Record<string, string>>(
    em,
    ctx,
    `with before as materialized (select ${names.map((name) => `coalesce(current_setting('${name}', true), '') as "${name}"`).join(', ')}) ` +
      `select before.*, ${names.map((name) => `set_config('${name}', '${settings[name]}', true)`).join(', ')} from before`,
  );
  const result = await work();
  // Of `DateStyle` a part may be set.
  const changed = names.filter(
    (name) => `${before![name]}, `.split(', ')[0] !== settings[name] && before![name] !== settings[name],
  );
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
