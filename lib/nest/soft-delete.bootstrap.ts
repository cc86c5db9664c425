import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import { NotSoftDeletableError } from '../errors/not-soft-deletable.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { getPurgeMarks, type PurgeMark } from '../purge/on-purge.mark.js';
import type { PurgeService } from '../purge/purge.service.js';
import { describeRetentions } from './describe-retentions.js';
import { SoftDeleteContexts } from './soft-delete.contexts.js';
import { getPurgeServiceToken } from './soft-delete.tokens.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * Once per application: hands the `@OnPurge()` methods of its providers to the purges, says what is kept for how long, and completes
 * the events when it closes.
 *
 * @internal
 */
@Injectable()
export class SoftDeleteBootstrap implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(SoftDeleteContexts) private readonly contexts: SoftDeleteContexts,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * @throws NotSoftDeletableError if a method handles the purge of an entity that no ORM of the application soft-deletes
   * @throws SoftDeleteConfigError if a method belongs to a provider that a purge cannot call
   */
  onModuleInit(): void {
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const prototype = prototypeOf(wrapper);
      // An alias (useExisting) is the same instance under another token.
      const identity = wrapper.instance ?? prototype;
      if (!prototype || seen.has(identity)) {
        continue;
      }
      seen.add(identity);
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        for (const mark of getPurgeMarks(prototype[name] as object)) {
          this.#register(wrapper, name, mark);
        }
      }
    }
  }

  onApplicationBootstrap(): void {
    const logger = new Logger('SoftDeleteModule');
    for (const [contextName, purge] of this.contexts.purges()) {
      const line = describeRetentions(this.contexts.all().get(contextName)!.catalog, purge);
      if (line) {
        logger[line.level](contextName === undefined ? line.text : `${contextName}: ${line.text}`);
      }
    }
  }

  onApplicationShutdown(): void {
    for (const { events } of this.contexts.all().values()) {
      events.complete();
    }
  }

  #register(wrapper: Wrapper, method: string, { entity, options }: PurgeMark): void {
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
      throw new SoftDeleteConfigError(
        `@OnPurge() on ${wrapper.name}.${method}`,
        'there is no one instance of the provider that a purge could call, since it is request-scoped or transient.',
        'Move the method to a provider of Scope.DEFAULT, one whose dependencies are too.',
      );
    }
    const contexts = [...this.contexts.all()].filter(([, { catalog }]) => catalog.find(entity));
    if (contexts.length === 0) {
      throw new NotSoftDeletableError(entity.name, true);
    }
    for (const [contextName] of contexts) {
      const purge: PurgeService = this.moduleRef.get(getPurgeServiceToken(contextName), { strict: false });
      purge.registerHook(entity, (rows, context) => wrapper.instance[method](rows, context), options);
    }
  }
}

/** Of the class where there is one: the instance of a request-scoped provider does not exist yet. */
function prototypeOf({ metatype, instance }: Wrapper): Record<string, unknown> | undefined {
  const isObject = typeof instance === 'object' && instance !== null;
  return isObject ? Object.getPrototypeOf(instance) : metatype?.prototype;
}
