import { AsyncLocalStorage } from 'node:async_hooks';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';

/** How many handlers may run inside of each other. */
const MOST_NESTED = 32;

/** A hook that runs, inside of others. What it has started and not waited for may outlive it. */
interface RunningHook {
  readonly name: string;
  readonly within: RunningHook | undefined;
  isOver: boolean;
}

const running = new AsyncLocalStorage<RunningHook>();

/**
 * Runs a hook, unless handlers have called each other so often that they would not end.
 *
 * @throws SoftDeleteConfigError if they have
 * @internal
 */
export async function refuseEndlessHooks(name: string, run: () => Promise<void>): Promise<void> {
  const own: RunningHook = { name, within: running.getStore(), isOver: false };
  const names: string[] = [];
  for (let each: RunningHook | undefined = own; each; each = each.within) {
    if (!each.isOver) {
      names.unshift(each.name);
    }
  }
  if (names.length > MOST_NESTED) {
    throw new SoftDeleteConfigError(
      name,
      `${MOST_NESTED} handlers have called each other: ${names.slice(0, 4).join(' → ')} → ….`,
      'Have one of them leave rows alone that the other has changed.',
    );
  }
  try {
    await running.run(own, run);
  } finally {
    own.isOver = true;
  }
}
