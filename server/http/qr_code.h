/*
 * qr_code: GET /t/CODE.svg: a picture that a phone reads a ticket's address from. The only file
 * that knows libqrencode.
 */
#ifndef SERVER_HTTP_QR_CODE_H
#define SERVER_HTTP_QR_CODE_H

#include "server/http/handler.h"

resource_handler qr_code_show;

/* Adds the picture of TEXT to BODY, as SVG; false if it is too long for one. */
bool qr_code_draw(const char *text, struct reply *body);

#endif
