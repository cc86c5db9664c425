import { Utils } from '@mikro-orm/core';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import { type ErasureMark, ON_ERASE } from '../compliance/erasure/hooks/erasure-hook.js';
import { addErasureHook } from '../compliance/erasure/hooks/erasure-hooks.js';
import { findMetadata } from '../metadata/soft-delete-catalog.js';
import { HOOK, type HookMark } from '../deletion/hooks/hook.mark.js';
import { addHook } from '../deletion/hooks/register-hook.js';
import { NotSoftDeletableError } from '../errors/not-soft-deletable.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { checkHandlers } from '../http/check-handlers.js';
import { ON_PURGE, type PurgeMark } from '../purge/on-purge.mark.js';
import type { PurgeService } from '../purge/purge.service.js';
import { describeRetentions } from './describe-retentions.js';
import { SoftDeleteContexts } from './soft-delete.contexts.js';
import { getPurgeServiceToken } from './soft-delete.tokens.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * Once per application: hands the `@OnPurge()`, `@OnDelete()`, `@OnRestore()` and `@OnErase()` methods of its providers to those who call them, says what is kept for how long, and completes
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
   * @throws SoftDeleteConfigError if a method belongs to a provider that nobody can call, or handles the deletion of an entity that no
   * ORM of the application soft-deletes, or of a field that the entity lacks; or if a decorator for requests is where no request comes
   */
  onModuleInit(): void {
    const logger = new Logger('SoftDeleteModule');
    checkHandlers(this.discovery, this.scanner).forEach((warning) => logger.warn(warning));
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
        for (const mark of ON_PURGE.of(prototype[name] as object)) {
          this.#register(wrapper, name, mark);
        }
        for (const mark of ON_ERASE.of(prototype[name] as object)) {
          this.#onErase(wrapper, name, mark);
        }
        for (const mark of HOOK.of(prototype[name] as object)) {
          this.#hook(wrapper, name, mark);
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

  /** To every ORM of the application that soft-deletes the entity: a class may belong to several. */
  #hook(wrapper: Wrapper, method: string, { action, entity, options }: HookMark): void {
    const decorator = action === 'deleted' ? '@OnDelete()' : '@OnRestore()';
    const where = `${decorator} on ${wrapper.name}.${method}`;
    requireOneInstance(wrapper, where, 'a deletion');
    const installations = [...this.contexts.all().values()];
    const concerned = installations.filter(({ catalog }) => catalog.findMarked(entity));
    // One that does not know the entity says so.
    for (const installation of concerned.length > 0 ? concerned : installations.slice(0, 1)) {
      addHook(installation, where, action, entity, (rows, context) => wrapper.instance[method](rows, context), options);
    }
  }

  /** To every ORM of the application that has the entity and says what is personal in it. */
  #onErase(wrapper: Wrapper, method: string, { entity, options }: ErasureMark): void {
    const where = `@OnErase() on ${wrapper.name}.${method}`;
    requireOneInstance(wrapper, where, 'an erasure');
    const managers = [...this.contexts.managers().values()];
    const concerned = managers.filter((em) => findMetadata(em, entity));
    // One that does not know the entity says so.
    for (const em of concerned.length > 0 ? concerned : managers.slice(0, 1)) {
      addErasureHook(em, where, entity, (rows, context) => wrapper.instance[method](rows, context), options);
    }
  }

  #register(wrapper: Wrapper, method: string, { entity, options }: PurgeMark): void {
    requireOneInstance(wrapper, `@OnPurge() on ${wrapper.name}.${method}`, 'a purge');
    const contexts = [...this.contexts.all()].filter(([, { catalog }]) => catalog.findMarked(entity));
    if (contexts.length === 0) {
      throw new NotSoftDeletableError(Utils.className(entity), true);
    }
    for (const [contextName] of contexts) {
      const purge: PurgeService = this.moduleRef.get(getPurgeServiceToken(contextName), { strict: false });
      purge.registerHook(entity, (rows, context) => wrapper.instance[method](rows, context), options);
    }
  }
}

/** @throws SoftDeleteConfigError if there is none */
function requireOneInstance(wrapper: Wrapper, where: string, caller: string): void {
  if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
    throw new SoftDeleteConfigError(
      where,
      `${caller} cannot call the provider, since it is request-scoped or transient.`,
      'Move the method to a provider of Scope.DEFAULT whose dependencies are of that scope as well.',
    );
  }
}

/** Of the class where there is one: the instance of a request-scoped provider does not exist yet. */
function prototypeOf({ metatype, instance }: Wrapper): Record<string, unknown> | undefined {
  const isObject = typeof instance === 'object' && instance !== null;
  return isObject ? Object.getPrototypeOf(instance) : metatype?.prototype;
}
