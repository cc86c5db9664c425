import type { MikroORM } from '@mikro-orm/postgresql';
import type { OnModuleInit } from '@nestjs/common';
import { SoftDeleteError } from '../errors/soft-delete.error.js';
import { refusePartitionedGuards } from '../schema/refuse-partitioned-guards.js';

/**
 * Keeps an application from starting whose guards would refuse what is no removal.
 *
 * @internal
 */
export class GuardCheck implements OnModuleInit {
  constructor(private readonly orm: MikroORM) {}

  /** @throws SoftDeleteConfigError if the table of a guarded entity is partitioned */
  async onModuleInit(): Promise<void> {
    try {
      await refusePartitionedGuards(this.orm.em);
    } catch (error) {
      // That the database does not answer is for others to say.
      if (error instanceof SoftDeleteError) {
        throw error;
      }
    }
  }
}
