import { setImmediate } from 'node:timers/promises';
import { Delete, Get } from '@nestjs/common';
import { type DeletedScope as Scope, DeletedScope, WithDeleted } from 'nestjs-mikro-orm-soft-delete';
import { DeletionReason } from 'nestjs-mikro-orm-soft-delete/compliance';

const PARAMETERS = 'swagger/apiParameters';
const shown = {
  required: false,
  in: 'query',
  name: 'deleted',
  description: 'Whether deleted rows are shown too.',
  schema: { type: 'boolean' },
};
const scope = {
  required: false,
  in: 'query',
  name: 'scope',
  description: 'Which rows are shown: active ones, deleted ones too, or deleted ones only.',
  schema: { type: 'string', enum: ['active', 'with', 'only'], default: 'active' },
};
const reason = {
  required: false,
  in: 'header',
  name: 'x-deletion-reason',
  description: 'Why, for the records of what is deleted and restored. Text beyond Latin-1 is percent-encoded.',
  schema: { type: 'string' },
};

/** What `@nestjs/swagger` reads of a method, once all decorators of its class have run. */
async function described(target: { readonly prototype: object }, method: string): Promise<unknown> {
  await setImmediate();
  return Reflect.getMetadata(PARAMETERS, (target.prototype as Record<string, object>)[method]!);
}

describe('What OpenAPI is told', () => {
  it('is the parameter of each decorator on a route, optional', async () => {
    class Users {
      @WithDeleted({ query: 'deleted' })
      @Get()
      list(): void {}

      @Get()
      @WithDeleted({ query: 'deleted' })
      listToo(@DeletedScope('scope') _scope: Scope): void {}

      @Delete()
      @DeletionReason()
      remove(): void {}

      @Delete()
      @DeletionReason({ header: 'x-why' })
      removeToo(): void {}
    }
    expect(await described(Users, 'list')).toEqual([shown]);
    expect(await described(Users, 'listToo')).toEqual(expect.arrayContaining([shown, scope]));
    expect(await described(Users, 'remove')).toEqual([reason]);
    expect(await described(Users, 'removeToo')).toEqual([{ ...reason, name: 'x-why' }]);
  });

  it('is nothing of what a request does not say in its query, and of what is no route', async () => {
    class Users {
      @Get()
      @WithDeleted()
      all(): void {}

      @Get()
      @WithDeleted({ arg: 'deleted' })
      byArgument(@DeletedScope({ arg: 'scope' }) _scope: Scope): void {}

      @WithDeleted({ query: 'deleted' })
      helper(@DeletedScope('scope') _scope: Scope): void {}
    }
    for (const method of ['all', 'byArgument', 'helper']) {
      expect(await described(Users, method)).toBeUndefined();
    }
  });

  it('is what a controller says of all its routes, but for those that say it themselves', async () => {
    @WithDeleted({ query: 'deleted' })
    @DeletionReason()
    class Users {
      @Get()
      list(): void {}

      @Get()
      @WithDeleted({ query: 'trashed' })
      other(): void {}

      @Get()
      @WithDeleted()
      all(): void {}

      helper(): void {}
    }
    expect(await described(Users, 'list')).toEqual(expect.arrayContaining([shown, reason]));
    expect(await described(Users, 'other')).toEqual(expect.arrayContaining([{ ...shown, name: 'trashed' }, reason]));
    expect(await described(Users, 'all')).toEqual([reason]);
    expect(await described(Users, 'helper')).toBeUndefined();
  });

  it.each([
    ['swagger/apiParameters on the route', false],
    ['swagger/apiHeaders on the controller', true],
  ])('is what the application says of the same parameter: %s', async (_, isOnClass) => {
    const own = { in: 'header', name: 'x-deletion-reason', description: 'Ours.' };
    const ours = (target: object, _key?: unknown, descriptor?: PropertyDescriptor) =>
      Reflect.defineMetadata(
        descriptor ? PARAMETERS : 'swagger/apiHeaders',
        [own],
        (descriptor?.value as object | undefined) ?? target,
      );
    @(isOnClass ? ours : () => undefined)
    @DeletionReason()
    class Users {
      @Delete()
      @(isOnClass ? () => undefined : ours)
      remove(): void {}
    }
    expect((await described(Users, 'remove')) ?? []).toEqual(isOnClass ? [] : [own]);
  });

  it('is told of inherited routes as the class says that inherits them', async () => {
    @WithDeleted({ query: 'deleted' })
    class Users {
      @Get()
      list(this: { readonly name: string }): string {
        return this.name;
      }
    }
    @WithDeleted({ query: 'trashed' })
    class Admins extends Users {}
    @WithDeleted()
    class Guests extends Users {}
    expect(await described(Users, 'list')).toEqual([shown]);
    expect(await described(Admins, 'list')).toEqual([{ ...shown, name: 'trashed' }]);
    expect((await described(Guests, 'list')) ?? []).toEqual([]);
    expect(Admins.prototype.list.call({ name: 'Ada' })).toBe('Ada');
  });
});
