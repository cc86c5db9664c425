import { type ExecutionContext, ForbiddenException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { EntityClass } from '@mikro-orm/core';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { AdminAction, AdminDynamicOptions } from './soft-delete-admin.options.js';
import { ADMIN_OPTIONS } from './admin.tokens.js';
import { AdminOrm } from './admin-orm.js';
import type { AdminEntity } from './admin-entity.js';

/** What a caller may see and do. @internal */
@Injectable()
export class AdminAccess {
  constructor(
    @Inject(ADMIN_OPTIONS) private readonly options: AdminDynamicOptions,
    @Inject(AdminOrm) private readonly orm: AdminOrm,
  ) {}

  /** Whether some callers may do less than others. */
  get isRestricted(): boolean {
    return this.options.can !== undefined;
  }

  async can(action: AdminAction, entity: AdminEntity | undefined, context: ExecutionContext): Promise<boolean> {
    return (await this.options.can?.(action, entity?.entity, context)) ?? true;
  }

  /** Those among some actions that the caller may do. */
  async allowed<Action extends AdminAction>(
    actions: readonly Action[],
    entity: AdminEntity,
    context: ExecutionContext,
  ): Promise<Action[]> {
    const answers = await Promise.all(actions.map((action) => this.can(action, entity, context)));
    return actions.filter((_action, i) => answers[i]);
  }

  /**
   * The entity of a name, for somebody who may do something with it.
   *
   * @throws NotFoundException if there is none that the caller may see, whatever the reason
   * @throws ForbiddenException if the caller may see it and no more
   */
  async entity(name: string, action: AdminAction, context: ExecutionContext): Promise<AdminEntity> {
    const entity = this.orm.entities.find((listed) => listed.name === name);
    if (!entity || !(await this.can('list', entity, context))) {
      throw new NotFoundException(`There is no entity ${name} here.`);
    }
    if (action !== 'list' && !(await this.can(action, entity, context))) {
      throw new ForbiddenException(`You may not ${action} rows of ${name}.`);
    }
    return entity;
  }

  /** @throws ForbiddenException if the caller may not restore rows of one of these entities, which the page need not show */
  async requireRestore(
    entities: readonly Pick<SoftDeletableEntityMetadata, 'name' | 'meta'>[],
    context: ExecutionContext,
  ): Promise<void> {
    for (const { name, meta } of entities) {
      if (!((await this.options.can?.('restore', meta.class as EntityClass<object>, context)) ?? true)) {
        throw new ForbiddenException(`You may not restore rows of ${name}.`);
      }
    }
  }

  /** @throws ForbiddenException if the caller may not purge */
  async requirePurge(context: ExecutionContext): Promise<void> {
    if (!(await this.can('purge', undefined, context))) {
      throw new ForbiddenException('You may not purge.');
    }
  }

  /** The entities that the caller may see. */
  async listed(context: ExecutionContext): Promise<AdminEntity[]> {
    const answers = await Promise.all(this.orm.entities.map((entity) => this.can('list', entity, context)));
    return this.orm.entities.filter((_entity, i) => answers[i]);
  }

  /** Who is acting, as the options of an operation. */
  actor(context: ExecutionContext): { actor?: string } {
    const actor: unknown = this.options.actor?.(context);
    // Of a request that nobody has signed, users return null as well.
    return actor === undefined || actor === null ? {} : { actor: String(actor) };
  }
}
