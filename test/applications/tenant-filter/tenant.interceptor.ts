import { EntityManager } from '@mikro-orm/postgresql';
import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';

/** Has every query of the request read the rows of the tenant that it names. */
@Injectable()
export class TenantInterceptor implements NestInterceptor {
  constructor(@Inject(EntityManager) private readonly em: EntityManager) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    const tenant = context.switchToHttp().getRequest().headers['x-tenant'];
    if (tenant !== undefined) {
      this.em.setFilterParams('tenant', { tenant });
    }
    return next.handle();
  }
}
