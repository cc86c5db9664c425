import type { EntityManager } from '@mikro-orm/postgresql';

interface PooledClient {
  readonly processID?: number | null;
  release(error?: Error): void;
}

interface Pool {
  on(event: 'acquire' | 'release', listener: (...args: never[]) => void): unknown;
  off(event: 'acquire' | 'release', listener: (...args: never[]) => void): unknown;
}

/**
 * The clients that are out of the ORM's pool. A transaction that cannot be rolled back, because its connection broke, never gives
 * its client back (Kysely releases a controlled transaction after the rollback only), and after a few of those the pool is
 * empty for the whole application. So a purge gives back the broken clients of its own transactions.
 *
 * Behind a pooler the server's process is not known by the number that the client was given, and MikroORM before 7.2 does not
 * hand out its pool; then nothing is given back.
 *
 * @internal
 */
export class PooledClients {
  readonly #clients = new Map<number, PooledClient>();
  #pool: Pool | undefined;

  async watch(em: EntityManager): Promise<void> {
    this.#pool = (await em.getConnection('write').getNativeClient?.()) as unknown as Pool | undefined;
    this.#pool?.on('acquire', this.#onAcquire);
    this.#pool?.on('release', this.#onRelease);
  }

  unwatch(): void {
    this.#pool?.off('acquire', this.#onAcquire);
    this.#pool?.off('release', this.#onRelease);
    this.#clients.clear();
  }

  /** Takes a broken client out of the pool for good, if it is still lent. */
  discard(processId: number, error: Error): void {
    this.#clients.get(processId)?.release(error);
    this.#clients.delete(processId);
  }

  readonly #onAcquire = (client: PooledClient): void => {
    if (client.processID) {
      this.#clients.set(client.processID, client);
    }
  };

  readonly #onRelease = (_error: unknown, client: PooledClient): void => {
    if (client.processID) {
      this.#clients.delete(client.processID);
    }
  };
}
