import type { MikroORM } from '@mikro-orm/core';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { getInstallation, type Installation } from '../installation/installation.js';

/**
 * The ORMs of one application that soft deletion is installed on, by the name of their context.
 *
 * @internal
 */
export class SoftDeleteContexts {
  readonly #installations = new Map<string | undefined, Installation>();

  /** @throws SoftDeleteConfigError if the application has imported the module for this ORM before */
  add(contextName: string | undefined, orm: MikroORM): void {
    if (this.#installations.has(contextName)) {
      throw new SoftDeleteConfigError(
        'SoftDeleteModule.forRoot()',
        `it is imported twice for ${contextName ? `the ORM "${contextName}"` : 'the same ORM'}.`,
        'Import it once, in the root module: it is global. For a second ORM, name it with `contextName`.',
      );
    }
    this.#installations.set(contextName, getInstallation(orm.em));
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
