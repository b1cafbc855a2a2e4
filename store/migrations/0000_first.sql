CREATE TABLE "conversations" (
	"id" text PRIMARY KEY NOT NULL,
	"number" bigserial NOT NULL,
	"owner" text NOT NULL,
	"title" text,
	"metadata" jsonb,
	"last_ordinal" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"owner" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"task_id" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_owner_key_pk" PRIMARY KEY("owner","key")
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"conversation_id" text NOT NULL,
	"position" integer NOT NULL,
	"id" text NOT NULL,
	"task_id" text NOT NULL,
	"role" text NOT NULL,
	"ordinal" integer NOT NULL,
	"content" json NOT NULL,
	"partial" boolean,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "messages_conversation_id_position_pk" PRIMARY KEY("conversation_id","position"),
	CONSTRAINT "messages_id_unique" UNIQUE("id")
);
--> statement-breakpoint
CREATE TABLE "task_segments" (
	"task_id" text NOT NULL,
	"first_seq" integer NOT NULL,
	"last_seq" integer NOT NULL,
	"bytes" integer NOT NULL,
	"events" json NOT NULL,
	CONSTRAINT "task_segments_task_id_first_seq_pk" PRIMARY KEY("task_id","first_seq")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" text PRIMARY KEY NOT NULL,
	"number" bigserial NOT NULL,
	"owner" text NOT NULL,
	"type" text,
	"agent" text NOT NULL,
	"model" text,
	"instructions" text,
	"name" text,
	"description" text,
	"status" text NOT NULL,
	"progress" double precision,
	"failure_code" text,
	"failure_message" text,
	"input" json NOT NULL,
	"output" json,
	"partial_output" text,
	"conversation_id" text,
	"ordinal" integer,
	"parent" json,
	"parent_task_id" text,
	"metadata" jsonb,
	"epoch" integer,
	"limits" json,
	"cancel_request" json,
	"cancel_sent_at" timestamp (3) with time zone,
	"run_id" text,
	"usage" json,
	"last_seq" integer,
	"log_incomplete" boolean,
	"created_at" timestamp (3) with time zone NOT NULL,
	"start_tried_at" timestamp (3) with time zone,
	"start_accepted_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"checked_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "conversations_list" ON "conversations" USING btree ("owner","number");--> statement-breakpoint
CREATE INDEX "idempotency_keys_task" ON "idempotency_keys" USING btree ("task_id");--> statement-breakpoint
CREATE INDEX "tasks_list" ON "tasks" USING btree ("owner","number");--> statement-breakpoint
CREATE INDEX "tasks_conversation" ON "tasks" USING btree ("conversation_id","number");--> statement-breakpoint
CREATE INDEX "tasks_parent" ON "tasks" USING btree ("parent_task_id") WHERE "tasks"."parent_task_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "tasks_name" ON "tasks" USING btree ("owner",coalesce("conversation_id", ''),"name") WHERE "tasks"."name" is not null and "tasks"."status" in ('PENDING', 'RUNNING');--> statement-breakpoint
CREATE INDEX "tasks_pending" ON "tasks" USING btree ("created_at") WHERE "tasks"."status" = 'PENDING';--> statement-breakpoint
CREATE INDEX "tasks_running" ON "tasks" USING btree ("checked_at") WHERE "tasks"."status" = 'RUNNING';--> statement-breakpoint
CREATE INDEX "tasks_cancel_due" ON "tasks" USING btree ("number") WHERE "tasks"."cancel_request" is not null and "tasks"."cancel_sent_at" is null;