import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import type { DeletedScope } from '../metadata/active-predicate.js';
import type { Installation } from '../installation/installation.js';
import { SoftDeleteContexts } from '../nest/soft-delete.contexts.js';
import { describeAllRoutes } from './open-api/describe-routes.js';
import { observeInScope } from './observe-in-scope.js';
import { readParameter } from './read-parameter.js';
import { responseOf } from './response-of.js';
import { WITH_DELETED_DESCRIPTION, WITH_DELETED_METADATA, type WithDeletedOptions } from './with-deleted.options.js';

/**
 * Opens the scope that `@WithDeleted()` asks for around the handler. The interceptors of a controller's and of a route's
 * decorator come to the same decision, the route's.
 *
 * @internal
 */
@Injectable()
export class WithDeletedInterceptor implements NestInterceptor, OnModuleInit {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Optional() @Inject(SoftDeleteContexts) private readonly contexts?: SoftDeleteContexts,
  ) {
    describeAllRoutes(modules, WITH_DELETED_DESCRIPTION);
  }

  /** @throws SoftDeleteNotInstalledError if a handler asks for an ORM that is not there */
  onModuleInit(): void {
    const scanner = new MetadataScanner();
    const discovery = new DiscoveryService(this.modules);
    // Resolvers and gateways are providers.
    for (const { metatype } of [...discovery.getControllers(), ...discovery.getProviders()]) {
      const prototype = metatype?.prototype ?? {};
      const routes = scanner.getAllMethodNames(prototype).map((name) => prototype[name]);
      for (const target of [metatype, ...routes].filter(Boolean)) {
        const options = this.reflector.get<WithDeletedOptions | undefined>(WITH_DELETED_METADATA, target);
        if (options) {
          this.#installations(options);
        }
      }
    }
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const options = this.reflector.getAllAndOverride<WithDeletedOptions>(WITH_DELETED_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    const storages = this.#installations(options).map(({ scope }) => scope);
    return observeInScope(storages, requestedScope(options, context), () => next.handle(), responseOf(context));
  }

  #installations({ contextName }: WithDeletedOptions): Installation[] {
    if (!this.contexts) {
      throw new SoftDeleteNotInstalledError(contextName ?? 'default');
    }
    return contextName === undefined ? [...this.contexts.all().values()] : [this.contexts.get(contextName)];
  }
}

function requestedScope(options: WithDeletedOptions, context: ExecutionContext): DeletedScope {
  if (options.query === undefined && options.arg === undefined) {
    return 'with';
  }
  const { value, called } = readParameter(context, options);
  switch (value) {
    case true:
    case 'true':
      return 'with';
    case false:
    case 'false':
    case undefined:
      return 'active';
    default:
      throw new BadRequestException(`${called} must be true or false.`);
  }
}
