import { MetadataScanner } from '@nestjs/core';
import {
  type DeletedScope as Scope,
  DeletedScope,
  SoftDeleteConfigError,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { checkHandlers } from '../../../lib/http/check-handlers.js';

/** Marks a method or class as a library of Nest does. */
const mark =
  (...keys: string[]): MethodDecorator & ClassDecorator =>
  (target: object, _key?: unknown, descriptor?: PropertyDescriptor) =>
    keys.forEach((key) => Reflect.defineMetadata(key, {}, (descriptor?.value as object | undefined) ?? target));

const HTTP = 'method';
const ARGUMENTS = [
  'microservices:pattern',
  'websockets:message_mapping',
  'graphql:resolver_type',
  'graphql:resolve_reference',
  'graphql:resolve_property',
];
const INSTEAD = "Read with repository.withDeleted(), or wrap what the method does: runInScope(em, 'with', () => …).";

const check = (classes: unknown[], { controllers = [] as unknown[], options = undefined as unknown } = {}) =>
  checkHandlers(
    {
      getProviders: () => [
        ...classes.map((metatype) => ({ metatype })),
        { metatype: undefined, token: 'A_VALUE', instance: { fieldResolverEnhancers: ['interceptors'] } },
        { metatype: () => 'a factory', token: 'GqlModuleOptions', instance: options },
      ],
      getControllers: () => controllers.map((metatype) => ({ metatype })),
    } as never,
    new MetadataScanner(),
  );

const refusalOf = (...args: Parameters<typeof check>): string | undefined => {
  try {
    check(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    return (error as Error).message;
  }
  return undefined;
};

describe(checkHandlers, () => {
  it.each([
    ['SCHEDULER_TYPE', 'a scheduled method (@Cron(), @Interval(), @Timeout())'],
    ['EVENT_LISTENER_METADATA', 'a listener (@OnEvent())'],
    ['bullmq:worker_events_metadata', 'a listener of a queue (@OnWorkerEvent())'],
    ['bullmq:queue_events_metadata', 'a listener of a queue (@OnQueueEvent())'],
    ['bull:queue_process', 'a processor of a queue (@Process())'],
    ['bull:on_queue_event', 'a listener of a queue'],
  ])('refuses a decorator on a method that %s marks', (key, kind) => {
    class Task {
      @mark(key)
      @WithDeleted()
      run(): void {}
    }
    class Other {
      @mark(key)
      run(@DeletedScope('deleted') _scope: Scope): void {}
    }
    @WithDeleted()
    class Whole {
      @mark(key)
      run(): void {}
    }
    class Without {
      @mark(key)
      run(): void {}
      @WithDeleted()
      helper(): void {}
    }
    const why = `${kind} is called without a request and without interceptors, so the decorator does nothing. ${INSTEAD}`;
    expect(refusalOf([Task])).toBe(`@WithDeleted() on Task.run: ${why}`);
    expect(refusalOf([Other])).toBe(`@DeletedScope() on Other.run: ${why}`);
    expect(refusalOf([Whole])).toBe(`@WithDeleted() on Whole.run: ${why}`);
    expect(refusalOf([Without])).toBeUndefined();
  });

  it.each([
    ['bullmq:processor_metadata', 'a processor of a queue (@Processor())'],
    ['bullmq:queue_events_listener_metadata', 'a listener of a queue (@QueueEventsListener())'],
    ['bull:module_queue', 'a processor of a queue (@Processor())'],
  ])('refuses a decorator on a method of a class that %s marks', (key, kind) => {
    @mark(key)
    class Queue {
      @WithDeleted()
      process(): void {}
    }
    expect(refusalOf([Queue])).toBe(
      `@WithDeleted() on Queue.process: ${kind} is called without a request and without interceptors, so the decorator does nothing. ${INSTEAD}`,
    );
  });

  it('leaves alone what a request calls too, and a class whose other methods are called so', () => {
    class Both {
      @mark('SCHEDULER_TYPE', HTTP)
      @WithDeleted()
      run(): void {}
    }
    @WithDeleted()
    class Controller {
      @mark(HTTP)
      list(): void {}
      @mark('SCHEDULER_TYPE')
      tidyUp(): void {}
    }
    expect(refusalOf([Both], { controllers: [Controller] })).toBeUndefined();
  });

  it.each(ARGUMENTS)('refuses the name of a query parameter alone on a handler that %s marks', (key) => {
    class Handler {
      @mark(key)
      @WithDeleted({ query: 'deleted' })
      find(): void {}
    }
    class Scoped {
      @mark(key)
      find(@DeletedScope('deleted') _scope: Scope): void {}
    }
    @WithDeleted({ query: 'deleted' })
    class Whole {
      @mark(key)
      find(): void {}
      helper(): void {}
    }
    const why =
      "it names the query parameter deleted, and only HTTP requests have those. Write { arg: 'deleted' } for the argument of a resolver or the property of a message.";
    expect(refusalOf([Handler])).toBe(`@WithDeleted() on Handler.find: ${why}`);
    expect(refusalOf([Scoped])).toBe(`@DeletedScope() on Scoped.find: ${why}`);
    expect(refusalOf([Whole])).toBe(`@WithDeleted() on Whole: ${why}`);
  });

  it('refuses the name of an argument alone on a route', () => {
    class Routes {
      @mark(HTTP)
      @WithDeleted({ arg: 'deleted' })
      find(): void {}
    }
    class Scoped {
      @mark(HTTP)
      find(@DeletedScope({ arg: 'deleted' }) _scope: Scope): void {}
    }
    @WithDeleted({ arg: 'deleted' })
    class Whole {
      @mark(HTTP)
      find(): void {}
    }
    const why =
      "it names the argument deleted, and HTTP requests have none. Write { query: 'deleted' } for a query parameter.";
    expect(refusalOf([], { controllers: [Routes] })).toBe(`@WithDeleted() on Routes.find: ${why}`);
    expect(refusalOf([], { controllers: [Scoped] })).toBe(`@DeletedScope() on Scoped.find: ${why}`);
    expect(refusalOf([], { controllers: [Whole] })).toBe(`@WithDeleted() on Whole: ${why}`);
  });

  it.each(ARGUMENTS)('takes both names, and either where a class has handlers of both kinds: routes and %s', (key) => {
    class Both {
      @mark(key)
      @WithDeleted({ query: 'a', arg: 'b' })
      find(): void {}
      @mark(HTTP)
      @WithDeleted({ query: 'a', arg: 'b' })
      list(): void {}
    }
    @WithDeleted({ query: 'a' })
    class Mixed {
      @mark(key)
      find(): void {}
      @mark(HTTP)
      list(): void {}
    }
    @WithDeleted({ arg: 'b' })
    class OtherWay {
      @mark(key)
      find(): void {}
      @mark(HTTP)
      list(): void {}
    }
    @WithDeleted({ query: 'a' })
    class Service {
      helper(): void {}
    }
    const options = { fieldResolverEnhancers: ['interceptors'] };
    expect(refusalOf([Both, Mixed, OtherWay, Service], { options })).toBeUndefined();
  });

  describe('on field resolvers', () => {
    @WithDeleted()
    class Whole {
      @mark('graphql:resolve_property')
      posts(): void {}
      @mark('graphql:resolver_type')
      user(): void {}
    }
    class Single {
      @mark('graphql:resolve_property')
      @WithDeleted()
      posts(): void {}
      @mark('graphql:resolve_property')
      likes(): void {}
    }
    const line = (name: string) =>
      `@WithDeleted() does nothing for the field resolver ${name}: Nest runs no interceptors for fields. ` +
      "Set fieldResolverEnhancers: ['interceptors'] in the options of GraphQLModule, or read with repository.withDeleted().";

    it.each([undefined, {}, { fieldResolverEnhancers: [] }, { fieldResolverEnhancers: ['guards'] }])(
      'says that it does nothing where the options are %j',
      (options) => {
        expect(check([Whole, Single], { options })).toEqual([line('Whole.posts'), line('Single.posts')]);
      },
    );

    it('says so once for a class that is provided twice', () => {
      expect(check([Single, Single])).toEqual([line('Single.posts')]);
    });

    it('says nothing where Nest runs interceptors for fields', () => {
      expect(check([Whole, Single], { options: { fieldResolverEnhancers: ['guards', 'interceptors'] } })).toEqual([]);
    });
  });
});
