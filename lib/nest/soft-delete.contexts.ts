import type { MikroORM } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { getInstallation, type Installation } from '../installation/installation.js';
import type { ResolvedPurgeOptions } from '../options/resolve-module-options.js';

/**
 * The ORMs of one application that soft deletion is installed on, by the name of their context.
 *
 * @internal
 */
export class SoftDeleteContexts {
  readonly #installations = new Map<string | undefined, Installation>();
  readonly #managers = new Map<string | undefined, EntityManager>();
  readonly #purges = new Map<string | undefined, ResolvedPurgeOptions>();

  /** @throws SoftDeleteConfigError if the application has imported the module for this ORM before */
  add(contextName: string | undefined, orm: MikroORM, purge: ResolvedPurgeOptions): void {
    if (this.#installations.has(contextName)) {
      throw new SoftDeleteConfigError(
        'SoftDeleteModule.forRoot()',
        `it is imported twice for ${contextName ? `the ORM "${contextName}"` : 'the same ORM'}.`,
        'Import it once, in the root module: it is global. For a second ORM, name it with `contextName`.',
      );
    }
    this.#installations.set(contextName, getInstallation(orm.em));
    this.#managers.set(contextName, orm.em as EntityManager);
    this.#purges.set(contextName, purge);
  }

  /** When and how the deleted rows of each are purged. */
  purges(): ReadonlyMap<string | undefined, ResolvedPurgeOptions> {
    return this.#purges;
  }

  /** The entity manager of each. */
  managers(): ReadonlyMap<string | undefined, EntityManager> {
    return this.#managers;
  }

  all(): ReadonlyMap<string | undefined, Installation> {
    return this.#installations;
  }

  /** @throws SoftDeleteNotInstalledError if there is no such context */
  get(contextName: string): Installation {
    const installation = this.#installations.get(contextName);
    if (!installation) {
      throw new SoftDeleteNotInstalledError(contextName);
    }
    return installation;
  }
}
