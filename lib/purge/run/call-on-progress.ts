import type { EntityManager } from '@mikro-orm/postgresql';
import type { PurgeProgress } from '../purge-run-options.js';

type OnProgress = (progress: PurgeProgress) => unknown;

/**
 * Wraps `onProgress` so that nothing it does can end or hold up a run: what it throws, at once or in a promise, is logged through
 * the ORM's logger. The same message is logged once, since a queue that is away refuses every batch.
 *
 * @internal
 */
export function callOnProgress(em: EntityManager, onProgress: OnProgress): (progress: PurgeProgress) => void {
  const logged = new Set<string>();
  const log = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    if (!logged.has(message)) {
      logged.add(message);
      // Whatever `debug` of the configuration says: an error is not a matter of taste.
      em.config.getLogger().error('info', `onProgress of the purge failed, and the run goes on: ${message}`, {
        enabled: true,
      });
    }
  };
  return (progress) => {
    try {
      void Promise.resolve(onProgress(progress)).catch(log);
    } catch (error) {
      log(error);
    }
  };
}
