import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineConfig, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Project, Task } from './entities.js';
import { ProjectsController } from './projects.controller.js';
import { TenantInterceptor } from './tenant.interceptor.js';

@Module({
  imports: [
    MikroOrmModule.forRoot({
      ...defineConfig({
        clientUrl: process.env['DATABASE_URL']!,
        entities: [Project, Task],
        filters: {
          tenant: {
            cond: ({ tenant }: { tenant: string }) => ({ tenant }),
            entity: [Project, Task],
            default: true,
          },
        },
      }),
      driver: PostgreSqlDriver,
    }),
    SoftDeleteModule.forRoot(),
    SoftDeleteModule.forFeature([Project, Task]),
  ],
  controllers: [ProjectsController],
  providers: [{ provide: APP_INTERCEPTOR, useClass: TenantInterceptor }],
})
export class AppModule {}
