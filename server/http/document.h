/*
 * document: GET /api: what the API is, as an OpenAPI document (api.json, built into the program).
 */
#ifndef SERVER_HTTP_DOCUMENT_H
#define SERVER_HTTP_DOCUMENT_H

#include <stddef.h>

#include "server/http/handler.h"

extern const unsigned char api_document[];
extern const size_t api_document_size;

resource_handler document_show;

#endif
